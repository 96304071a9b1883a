#include "orchestrator/engine/run_request.h"

namespace dml::engine {

Json RequestToJson(const RunRequest& request) {
  const RunOptions& options = request.options;
  return {{"path", request.path},
          {"sets", request.sets},
          {"sources", request.sources},
          {"jobs", options.jobs},
          {"keep_going", options.keep_going},
          {"force", options.force},
          {"no_cache", options.no_cache},
          {"concurrent", options.concurrent},
          {"cluster", options.cluster},
          {"from", options.from},
          {"until", options.until},
          {"at", request.at}};
}

Result<RunRequest> RequestFromJson(const Json& json) {
  try {
    RunRequest request;
    request.path = json.at("path").get<std::string>();
    request.sets = json.at("sets").get<std::vector<std::string>>();
    request.sources = json.at("sources").get<std::map<std::string, std::string>>();
    RunOptions& options = request.options;
    options.jobs = json.at("jobs").get<int>();
    options.keep_going = json.at("keep_going").get<bool>();
    options.force = json.at("force").get<bool>();
    options.no_cache = json.at("no_cache").get<bool>();
    options.concurrent = json.at("concurrent").get<bool>();
    options.cluster = json.value("cluster", std::string());
    options.from = json.at("from").get<std::vector<std::string>>();
    options.until = json.at("until").get<std::vector<std::string>>();
    request.at = json.value("at", "");
    return request;
  } catch (const Json::exception&) {
    return Error::Invalid("the run does not say how it was started",
                          "`dml run` starts a new run and reuses what is still valid");
  }
}

Json TermsOf(const RunOptions& options) { return {{"jobs", options.jobs}}; }

void HeedTerms(const Json& terms, RunOptions& options) {
  if (!terms.is_object()) return;
  if (const auto jobs = terms.find("jobs"); jobs != terms.end() && jobs->is_number_integer()) {
    options.jobs = jobs->get<int>();
  }
}

}  // namespace dml::engine
