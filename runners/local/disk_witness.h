#pragma once

#include <optional>
#include <string>
#include <utility>

#include "runners/api/runner.h"

namespace dml::local {

// Passes events on. An attempt that ended, well or not, while the disk of `folder`, which it works
// below, was full counts as lost: that is nobody's fault but the disk's, few commands look whether
// all was written, and what they left may be cut short. Thread-safe if the sink is.
class DiskWitness final : public runners::EventSink {
 public:
  // No folder: whatever the disk.
  DiskWitness(std::string folder, runners::EventSink& sink)
      : folder_(std::move(folder)), sink_(sink) {}
  void Post(runners::RunnerEvent event) override;

 private:
  [[nodiscard]] std::optional<Error> WhyLost(const runners::ExitReason& reason) const;

  const std::string folder_;
  runners::EventSink& sink_;
};

}  // namespace dml::local
