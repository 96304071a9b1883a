#pragma once

#include <map>
#include <string>

#include "base/json.h"

namespace dml::ssh {

// How fast nodes are against each other, and how long tasks of a kind take, learned from attempts
// that succeeded. Every kind has a mean of the logarithm of its times, corrected by the speed of
// the node; every node one of what its times deviate from that. Old observations fade. Pure, and
// single-threaded.
class NodeSpeeds {
 public:
  static constexpr int kSamplesMin = 3;  // before a node counts as anything but average
  static constexpr double kSpeedMax = 8;

  void Observe(const std::string& node, const std::string& kind, double seconds);
  [[nodiscard]] double SpeedOf(const std::string& node) const;
  // On an average node; 1 s if nothing is known.
  [[nodiscard]] double SecondsOf(const std::string& kind) const;

  // For the next process. What makes no sense is passed over.
  [[nodiscard]] Json ToJson() const;
  static NodeSpeeds FromJson(const Json& json);

 private:
  struct Mean {
    double value = 0;  // of a logarithm
    int count = 0;
    void Add(double sample);
  };
  static Json Pack(const std::map<std::string, Mean>& means);
  static void Unpack(const Json& json, std::map<std::string, Mean>& means);

  std::map<std::string, Mean> kinds_;
  std::map<std::string, Mean> nodes_;
};

// "train" of "train@C=0.1" and "train[3]": tasks of one step take about the same time.
[[nodiscard]] std::string KindOf(const std::string& task);

}  // namespace dml::ssh
