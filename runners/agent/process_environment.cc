#include "runners/agent/process_environment.h"

#include <fmt/format.h>
#include <poll.h>

#include <cstdint>
#include <cstdlib>
#include <sstream>

#include "base/files.h"

namespace dml::agent {

namespace {

// An execve() takes a millisecond of processor time; on a machine that is busy, or whose disk is,
// it can take long to get it.
constexpr int kLooksMax = 3000;
constexpr int kLookPauseMs = 1;

// Where /proc/<pid>/stat counts its fields from 1, and the third is the first after the name.
constexpr int kStateField = 3;
constexpr int kMemoryField = 23;
constexpr int kEnvironmentStartField = 50;
constexpr int kEnvironmentEndField = 51;

enum class Start { kNone, kUnderWay, kDone };

// Whether a process that shows no environment has none. execve() takes on a new memory first and
// writes the environment into it later; who has ended, or is of the kernel, has no memory.
Start StartOfProgram(int pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat.ok()) return Start::kNone;
  // "17 (name) S 1 ...", and names may hold anything.
  const std::size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos) return Start::kNone;
  std::istringstream fields(stat->substr(name_end + 1));
  std::string field;
  std::uint64_t memory = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  for (int number = kStateField; number <= kEnvironmentEndField && fields >> field; ++number) {
    const auto value = [&field] { return std::strtoull(field.c_str(), nullptr, 10); };
    if (number == kMemoryField) memory = value();
    if (number == kEnvironmentStartField) begin = value();
    if (number == kEnvironmentEndField) end = value();
  }
  if (memory == 0) return Start::kNone;
  // One that is not empty is another than the one that was looked at.
  return end != 0 && begin == end ? Start::kDone : Start::kUnderWay;
}

}  // namespace

Result<std::string> EnvironmentOf(int pid) {
  for (int look = 1;; ++look) {
    auto environment = ReadFile(fmt::format("/proc/{}/environ", pid));
    if (!environment.ok() || !environment->empty()) return environment;
    if (look == kLooksMax || StartOfProgram(pid) != Start::kUnderWay) return environment;
    ::poll(nullptr, 0, kLookPauseMs);
  }
}

}  // namespace dml::agent
