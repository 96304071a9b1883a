#include "pipelines/expand/settings.h"

#include <string>
#include <utility>

namespace dml::pipelines {

namespace {

ParamSpec Make(std::string name, ParamType type, std::string doc, Json default_value = {}) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.doc = std::move(doc);
  spec.default_value = std::move(default_value);
  return spec;
}

ParamSpec ListOf(std::string name, ParamType type, std::string doc) {
  ParamSpec spec = Make(std::move(name), ParamType::kList, std::move(doc));
  spec.element.push_back(Make("", type, ""));
  return spec;
}

ParamSpec Choice(std::string name, std::vector<std::string> choices, std::string doc) {
  ParamSpec spec = Make(std::move(name), ParamType::kEnum, std::move(doc), choices[0]);
  spec.choices = std::move(choices);
  return spec;
}

ParamSpec AtLeast(ParamSpec spec, double bound) {
  spec.minimum = bound;
  return spec;
}

ParamSpec Within(ParamSpec spec, double low, double high) {
  spec.minimum = low;
  spec.maximum = high;
  return spec;
}

ParamSpec RetrySpec() {
  const RetryPolicy defaults;
  ParamSpec retry = Make("retry", ParamType::kObject, "what happens when an attempt fails");
  retry.element = {
      Within(Make("limit", ParamType::kInt, "further attempts after the first", defaults.limit), 0,
             1000),
      Within(Make("infrastructure_limit", ParamType::kInt,
                  "further attempts after losing the worker or node, counted apart from limit",
                  defaults.infrastructure_limit),
             0, 1000),
      AtLeast(Make("backoff", ParamType::kDuration,
                   "wait before the first repetition, then doubled", defaults.backoff.ns),
              0),
      AtLeast(Make("max_interval", ParamType::kDuration, "longest wait", defaults.max_interval.ns),
              0),
      Within(Make("jitter", ParamType::kFloat, "random share of each wait", defaults.jitter), 0, 1),
      ListOf("on_exit_codes", ParamType::kInt, "repeat only after these exit codes; all if absent"),
      Choice(
          "memory_growth", {"2x", "1x", "1.5x", "3x", "4x"},
          "what the next attempt asks for after running out of memory, up to what the node has")};
  return retry;
}

ParamSpec ResourcesSpec() {
  const Resources defaults;
  ParamSpec resources = Make("resources", ParamType::kObject, "what one attempt needs of its node");
  ParamSpec cpus = Make("cpus", ParamType::kFloat, "processor cores", defaults.cpus);
  cpus.minimum = 0;
  cpus.minimum_exclusive = true;
  cpus.maximum = 4096;
  resources.element = {std::move(cpus),
                       AtLeast(Make("memory", ParamType::kSize, "memory, reserved and limited"), 1),
                       ListOf("labels", ParamType::kString, "labels that a node must carry")};
  return resources;
}

}  // namespace

const std::vector<ParamSpec>& SettingSpecs() {
  static const std::vector<ParamSpec> specs{
      RetrySpec(),
      AtLeast(Make("timeout", ParamType::kDuration, "an attempt that takes longer is ended"), 1),
      ResourcesSpec(),
      Make("cache", ParamType::kBool, "reuse an earlier result with the same inputs", true)};
  return specs;
}

const std::vector<ParamSpec>& ScheduleSpecs() {
  static const std::vector<ParamSpec> specs{
      Make("cron", ParamType::kString,
           "minute, hour, day of month, month, day of week; with six fields, seconds first"),
      AtLeast(Make("every", ParamType::kDuration, "a fixed interval instead of cron"), 1e9),
      Make("timezone", ParamType::kString, "an IANA name such as Asia/Shanghai", "UTC"),
      Choice("catchup", {"latest", "none", "all"}, "which missed slots are made up"),
      AtLeast(Make("catchup_window", ParamType::kDuration, "older slots are not made up; 0: all",
                   std::int64_t{0}),
              0),
      Within(
          Make("catchup_max", ParamType::kInt, "of catchup all: at most so many, the newest", 100),
          1, 10'000),
      Choice("overlap", {"skip", "queue_one", "queue_all", "cancel_previous", "allow"},
             "a slot is due while an earlier one runs"),
      AtLeast(Make("start_deadline", ParamType::kDuration,
                   "a slot that cannot start within this is skipped; 0: it waits", std::int64_t{0}),
              0),
      AtLeast(Make("jitter", ParamType::kDuration, "delay of each slot, below this; no randomness",
                   std::int64_t{0}),
              0),
      Within(Make("pause_after_failures", ParamType::kInt,
                  "failures in a row that pause the schedule; 0: never", 0),
             0, 1'000'000)};
  return specs;
}

const std::vector<ParamSpec>& HookSpecs() {
  static const std::vector<ParamSpec> specs = [] {
    ParamSpec run = Make("run", ParamType::kOneOf, "a command: list of arguments, or shell text");
    run.element = {Make("", ParamType::kString, ""), ListOf("", ParamType::kString, "")};
    ParamSpec env = Make("env", ParamType::kMap, "environment variables of the command");
    env.element.push_back(Make("", ParamType::kString, ""));
    ParamSpec headers = Make("headers", ParamType::kMap, "header lines of the webhook");
    headers.element.push_back(Make("", ParamType::kString, ""));
    return std::vector<ParamSpec>{
        std::move(run),
        Make("webhook", ParamType::kString, "or a URL, to which the run's JSON is posted"),
        std::move(env), std::move(headers),
        AtLeast(Make("timeout", ParamType::kDuration, "it is killed after this",
                     Duration::Seconds(30).ns),
                1)};
  }();
  return specs;
}

Settings ReadSettings(const Json& bound) {
  Settings out;
  if (const auto retry = bound.find("retry"); retry != bound.end() && retry->is_object()) {
    out.retry.limit = retry->at("limit").get<int>();
    out.retry.infrastructure_limit = retry->at("infrastructure_limit").get<int>();
    out.retry.backoff.ns = retry->at("backoff").get<std::int64_t>();
    out.retry.max_interval.ns = retry->at("max_interval").get<std::int64_t>();
    out.retry.jitter = retry->at("jitter").get<double>();
    out.retry.memory_growth = std::stod(retry->value("memory_growth", "2x"));
    out.retry.on_exit_codes = retry->value("on_exit_codes", std::vector<int>());
  }
  if (const auto needs = bound.find("resources"); needs != bound.end() && needs->is_object()) {
    out.resources.cpus = needs->at("cpus").get<double>();
    out.resources.memory_bytes = needs->value("memory", std::int64_t{0});
    out.resources.labels = needs->value("labels", std::vector<std::string>());
  }
  out.timeout.ns = bound.value("timeout", std::int64_t{0});
  out.cache = bound.value("cache", true);
  return out;
}

}  // namespace dml::pipelines
