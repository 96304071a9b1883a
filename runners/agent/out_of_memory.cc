#include "runners/agent/out_of_memory.h"

#include <signal.h>

#include <charconv>
#include <string_view>

#include "base/files.h"

namespace dml::agent {

namespace {

// A process that fails with this much of its limit in use has most likely hit it.
constexpr double kNearLimit = 0.9;

// 0 where the kernel does not say.
std::int64_t CountKills() {
  constexpr std::string_view kField = "\noom_kill ";
  const auto text = ReadFile("/proc/vmstat");
  if (!text.ok()) return 0;
  const std::size_t at = text->find(kField);
  std::int64_t count = 0;
  if (at == std::string::npos) return 0;
  std::from_chars(text->data() + at + kField.size(), text->data() + text->size(), count);
  return count;
}

}  // namespace

OutOfMemoryWatch::OutOfMemoryWatch() : seen_(CountKills()) {}

bool OutOfMemoryWatch::Struck() {
  const std::int64_t before = seen_;
  seen_ = CountKills();
  return seen_ > before;
}

void JudgeMemory(std::int64_t limit_bytes, const runners::ResourceUsage& usage,
                 runners::ExitReason& reason) {
  if (limit_bytes <= 0) return;
  const double used = static_cast<double>(usage.memory_bytes_max);
  if (used < kNearLimit * static_cast<double>(limit_bytes)) return;
  if (auto* signal = std::get_if<runners::ExitSignal>(&reason)) {
    signal->out_of_memory = true;
  } else if (auto* failure = std::get_if<runners::ExitFailure>(&reason)) {
    failure->error.hint = "it had used up its memory: ask for more with resources: {memory: ...}";
  }
}

}  // namespace dml::agent
