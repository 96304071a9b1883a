#include "runners/ssh/node_speeds.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace dml::ssh {

namespace {

constexpr int kMemory = 32;  // observations
// Shorter ones tell more of the system than of the node.
constexpr double kSecondsMin = 0.01;
constexpr std::size_t kKindsMax = 10'000;
constexpr double kLogMax = 20;

}  // namespace

void NodeSpeeds::Mean::Add(double sample) {
  count = std::min(count + 1, kMemory);
  value += (sample - value) / count;
}

void NodeSpeeds::Observe(const std::string& node, const std::string& kind, double seconds) {
  if (seconds < kSecondsMin) return;
  const double sample = std::log(seconds);
  if (!kinds_.contains(kind) && kinds_.size() >= kKindsMax) kinds_.clear();
  Mean& mean = kinds_[kind];
  Mean& own = nodes_[node];
  // The first of a kind says nothing about the node: there is nothing to compare it with.
  if (mean.count > 0) own.Add(mean.value - sample);
  mean.Add(sample + std::log(SpeedOf(node)));
}

double NodeSpeeds::SpeedOf(const std::string& node) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.count < kSamplesMin) return 1;
  return std::clamp(std::exp(found->second.value), 1 / kSpeedMax, kSpeedMax);
}

double NodeSpeeds::SecondsOf(const std::string& kind) const {
  const auto found = kinds_.find(kind);
  return found == kinds_.end() || found->second.count == 0 ? 1 : std::exp(found->second.value);
}

Json NodeSpeeds::Pack(const std::map<std::string, Mean>& means) {
  Json out = Json::object();
  for (const auto& [name, mean] : means) out[name] = Json::array({mean.value, mean.count});
  return out;
}

void NodeSpeeds::Unpack(const Json& json, std::map<std::string, Mean>& means) {
  if (!json.is_object()) return;
  for (const auto& [name, pair] : json.items()) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() ||
        !pair[1].is_number_integer()) {
      continue;
    }
    const double value = pair[0].get<double>();
    if (!std::isfinite(value) || std::fabs(value) > kLogMax) continue;
    means[name] = {
        value, static_cast<int>(std::clamp<std::int64_t>(pair[1].get<std::int64_t>(), 0, kMemory))};
  }
}

Json NodeSpeeds::ToJson() const { return {{"kinds", Pack(kinds_)}, {"nodes", Pack(nodes_)}}; }

NodeSpeeds NodeSpeeds::FromJson(const Json& json) {
  NodeSpeeds speeds;
  if (!json.is_object()) return speeds;
  Unpack(json.value("kinds", Json()), speeds.kinds_);
  Unpack(json.value("nodes", Json()), speeds.nodes_);
  return speeds;
}

std::string KindOf(const std::string& task) { return task.substr(0, task.find_first_of("@[")); }

}  // namespace dml::ssh
