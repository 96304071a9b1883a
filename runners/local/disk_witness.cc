#include "runners/local/disk_witness.h"

#include <fmt/format.h>

#include <utility>

#include "base/disk_space.h"

namespace dml::local {

namespace {

// With more than that, who ended well has found room for what it wrote last.
constexpr std::int64_t kRoomBytes = 1 << 16;

}  // namespace

// A disk that is about to be full is asked, who failed says why to look.
std::optional<Error> DiskWitness::WhyLost(const runners::ExitReason& reason) const {
  if (folder_.empty()) return std::nullopt;
  std::string what;
  if (const auto* failure = std::get_if<runners::ExitFailure>(&reason)) {
    // These know better.
    if (failure->error.kind != ErrorKind::kTask || failure->out_of_memory) return std::nullopt;
    what = failure->error.message;
  } else if (const auto* exit = std::get_if<runners::ExitSignal>(&reason)) {
    if (exit->out_of_memory) return std::nullopt;
    what = fmt::format("it was killed by signal {}", exit->signal);
  } else if (!std::holds_alternative<runners::ExitSuccess>(reason) ||
             FreeBytes(folder_) >= kRoomBytes) {
    return std::nullopt;
  } else {
    what = "what it left may be cut short";
  }
  if (!IsFull(folder_)) return std::nullopt;
  return Error::Environment(what + "; " + FullDisk(folder_), FullDiskHint(folder_));
}

void DiskWitness::Post(runners::RunnerEvent event) {
  if (auto* exited = std::get_if<runners::AttemptExited>(&event)) {
    if (auto why = WhyLost(exited->reason)) {
      return sink_.Post(runners::AttemptLost{exited->key, std::move(*why)});
    }
  }
  sink_.Post(std::move(event));
}

}  // namespace dml::local
