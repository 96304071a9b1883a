#include "orchestrator/engine/task_key.h"

namespace dml::engine {

namespace {

// Raised when the meaning of a field changes: every task then runs again, once.
constexpr int kKeyFormat = 1;

void AddWork(const pipelines::NativeWork& work, const std::map<std::string, Digest>& files,
             Json& fields) {
  fields["uses"] = work.uses;
  fields["version"] = work.algorithm_version;
  fields["params"] = work.params;
  // The content stands for the file; where it lies does not matter.
  for (const auto& [param, digest] : files) fields["params"].erase(param);
}

void AddWork(const pipelines::CommandWork& work, const std::map<std::string, Digest>&,
             Json& fields) {
  fields["run"] = work.argv;
  fields["outputs"] = work.outputs;
  fields["links"] = work.inputs;
}

}  // namespace

Json KeyFields(const pipelines::TaskDecl& decl, const std::vector<Artifact>& inputs,
               const std::map<std::string, Digest>& files) {
  Json fields = {{"format", kKeyFormat}, {"env", decl.env}};
  std::visit([&](const auto& work) { AddWork(work, files, fields); }, decl.work);
  Json digests = Json::array();
  for (const Artifact& input : inputs) digests.push_back({input.port, input.digest.Hex()});
  fields["inputs"] = std::move(digests);
  for (const auto& [param, digest] : files) fields["files"][param] = digest.Hex();
  return fields;
}

Digest KeyOf(const Json& fields) { return Sha256::Of(CanonicalJson(fields)); }

}  // namespace dml::engine
