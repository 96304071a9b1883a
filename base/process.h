#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace dml {

// Which process, beyond doubt: numbers are reused, but not together with the start time and the
// boot of the machine. Plain data; crosses files.
struct ProcessId {
  int pid = 0;
  std::int64_t start = 0;  // clock ticks after boot, as /proc/<pid>/stat tells
  std::string boot;        // /proc/sys/kernel/random/boot_id

  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

[[nodiscard]] ProcessId ThisProcess();
// The start time of a process of this machine; nothing if there is none with this number.
[[nodiscard]] std::optional<std::int64_t> StartOf(int pid);
// Whether that very process exists (a zombie does not).
[[nodiscard]] bool IsAlive(const ProcessId& process);
// Names the time between two starts of this machine; empty where the kernel does not say.
[[nodiscard]] const std::string& BootId();
[[nodiscard]] std::string HostName();
// The file mode creation mask of this process when it is first asked for, without changing it for
// a moment as umask() does; 022 where the kernel does not say.
[[nodiscard]] std::uint32_t FileMask();

// Sends a signal to that very process and to no other that has got its number since; false if it
// is gone.
bool SignalProcess(const ProcessId& process, int signal);

}  // namespace dml
