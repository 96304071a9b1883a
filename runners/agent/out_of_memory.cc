#include "runners/agent/out_of_memory.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/files.h"

namespace dml::agent {

namespace {

// A process that fails with this much of its limit in use has most likely hit it.
constexpr double kNearLimit = 0.9;

constexpr std::streamoff kLogEndBytes = 4096;
constexpr std::array<std::string_view, 5> kRefusals{
    "MemoryError", "std::bad_alloc", "OutOfMemoryError", "Cannot allocate memory", "Out of memory"};

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

// Whether the last lines of a log tell of an allocation that was refused.
bool SaysRefused(const std::string& log_path) {
  std::ifstream log(log_path, std::ios::binary | std::ios::ate);
  if (!log) return false;
  const std::streamoff size = log.tellg();
  log.seekg(std::max<std::streamoff>(0, size - kLogEndBytes));
  const std::string end{std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
  return std::ranges::any_of(
      kRefusals, [&](std::string_view words) { return end.find(words) != std::string::npos; });
}

}  // namespace

OutOfMemoryWatch::OutOfMemoryWatch() : seen_(CountKills()) {}

bool OutOfMemoryWatch::Struck() {
  const std::int64_t before = seen_;
  seen_ = CountKills();
  return seen_ > before;
}

void JudgeMemory(std::int64_t limit_bytes, const runners::ResourceUsage& usage,
                 const std::string& log_path, runners::ExitReason& reason) {
  auto* const signal = std::get_if<runners::ExitSignal>(&reason);
  auto* const failure = std::get_if<runners::ExitFailure>(&reason);
  if (limit_bytes <= 0 || (signal == nullptr && failure == nullptr)) return;
  const double used = static_cast<double>(usage.memory_bytes_max);
  const bool near = used >= kNearLimit * static_cast<double>(limit_bytes);
  if (!near && !SaysRefused(log_path)) return;
  if (signal != nullptr) signal->out_of_memory = true;
  if (failure == nullptr) return;
  failure->out_of_memory = true;
  failure->error.hint = std::string(near ? "it had used up its memory" : "it was refused memory") +
                        ": ask for more with resources: {memory: ...}";
}

}  // namespace dml::agent
