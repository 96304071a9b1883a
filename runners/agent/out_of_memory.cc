#include "runners/agent/out_of_memory.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/quantity.h"

namespace dml::agent {

namespace {

// A process that fails with this much of its limit in use has most likely hit it.
constexpr double kNearLimit = 0.9;

constexpr std::streamoff kLogEndBytes = 4096;
// The last words, after which a shell may say how its child ended.
constexpr int kLastLinesMax = 3;
constexpr std::string_view kPythonRefusal = "MemoryError";
constexpr std::array<std::string_view, 4> kRefusals{"std::bad_alloc", "java.lang.OutOfMemoryError",
                                                    "Cannot allocate memory", "Out of memory"};

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

// "MemoryError: ..." or "numpy.core.MemoryError", as a traceback ends: not a line about it.
bool IsPythonRefusal(std::string_view line) {
  const std::string_view type = line.substr(0, line.find(':'));
  return type.ends_with(kPythonRefusal) && type.find_first_of(" \t\"'(") == type.npos;
}

bool IsRefusal(std::string_view line) {
  return IsPythonRefusal(line) || std::ranges::any_of(kRefusals, [&](std::string_view words) {
           return line.find(words) != line.npos;
         });
}

// Whether the last lines of a log tell of an allocation that was refused. What is indented is the
// code, or the stack, that a message is about.
bool SaysRefused(const std::string& log_path) {
  std::ifstream log(log_path, std::ios::binary | std::ios::ate);
  if (!log) return false;
  const std::streamoff size = log.tellg();
  log.seekg(std::max<std::streamoff>(0, size - kLogEndBytes));
  const std::string text{std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
  std::string_view rest = text;
  for (int seen = 0; !rest.empty() && seen < kLastLinesMax;) {
    const std::size_t start = rest.find_last_of("\r\n") + 1;  // 0 of the first
    const std::string_view line = rest.substr(start);
    rest = rest.substr(0, start == 0 ? 0 : start - 1);
    if (line.empty() || line.front() == ' ' || line.front() == '\t') continue;
    if (IsRefusal(line)) return true;
    ++seen;
  }
  return false;
}

}  // namespace

OutOfMemoryWatch::OutOfMemoryWatch() : seen_(CountKills()) {}

bool OutOfMemoryWatch::Struck() {
  const std::int64_t before = seen_;
  seen_ = CountKills();
  return seen_ > before;
}

runners::ExitFailure RefusedMemory(std::int64_t limit_bytes, const MemoryRefused* refused) {
  constexpr int kKilledExit = 128 + SIGKILL;  // as if the kernel had done it
  std::string message = "it ran out of memory";
  std::string hint = "ask for more with resources: {memory: ...}";
  if (limit_bytes > 0) message += ": it may use " + FormatSize(limit_bytes);
  if (refused != nullptr && !refused->need().empty()) {
    message += (limit_bytes > 0 ? ", and " : ": ") + refused->need();
  }
  if (refused != nullptr && !refused->remedy().empty()) hint += "; " + refused->remedy();
  return {Error::Task(std::move(message), std::move(hint)), kKilledExit, /*out_of_memory=*/true};
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
