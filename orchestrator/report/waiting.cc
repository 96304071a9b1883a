#include "orchestrator/report/waiting.h"

#include <fmt/format.h>

#include "base/quantity.h"

namespace dml::report {

namespace {

constexpr std::size_t kNamesMax = 3;

// "a, b, c and 4 more".
std::string Names(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kNamesMax; ++i) {
    out += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kNamesMax) out += fmt::format(" and {} more", names.size() - kNamesMax);
  return out;
}

// Attempts that are under way hold what they asked for.
struct InUse {
  double cpus = 0;
  std::int64_t memory_bytes = 0;
  std::vector<std::string> names;
  std::vector<std::string> with_memory;
};

InUse Held(std::span<const UnitFacts> units) {
  InUse held;
  for (const UnitFacts& unit : units) {
    if (!core::IsInFlight(unit.state)) continue;
    held.cpus += unit.cpus;
    held.memory_bytes += unit.memory_bytes;
    held.names.push_back(unit.name);
    if (unit.memory_bytes > 0) held.with_memory.push_back(unit.name);
  }
  return held;
}

std::string CpusText(const UnitFacts& unit, const InUse& held, const Room& room) {
  const std::string of = room.cpus > 0 ? fmt::format(" of {:g}", room.cpus) : "";
  return fmt::format("{:g} {}; {:g}{} {} in use by {}", unit.cpus, unit.cpus == 1 ? "cpu" : "cpus",
                     held.cpus, of, held.cpus == 1 ? "is" : "are", Names(held.names));
}

std::string MemoryText(const UnitFacts& unit, const InUse& held, const Room& room) {
  const std::string of =
      room.memory_bytes > 0 ? fmt::format(" of {}", FormatSize(room.memory_bytes)) : "";
  return fmt::format("{} of memory; {}{} are in use by {}", FormatSize(unit.memory_bytes),
                     FormatSize(held.memory_bytes), of, Names(held.with_memory));
}

std::string WhatIsShort(std::span<const UnitFacts> units, const UnitFacts& unit, const Room& room) {
  const InUse held = Held(units);
  const bool cpus = !held.names.empty() && (room.cpus == 0 || held.cpus + unit.cpus > room.cpus);
  const bool memory =
      unit.memory_bytes > 0 && !held.with_memory.empty() &&
      (room.memory_bytes == 0 || held.memory_bytes + unit.memory_bytes > room.memory_bytes);
  if (cpus && memory) {
    return "waits for " + CpusText(unit, held, room) + "; and for " + MemoryText(unit, held, room);
  }
  if (cpus) return "waits for " + CpusText(unit, held, room);
  if (memory) return "waits for " + MemoryText(unit, held, room);
  return "waits for its turn: it is being looked up, or a more urgent task goes first";
}

}  // namespace

std::string WhyItWaits(std::span<const UnitFacts> units, std::size_t which, const Room& room) {
  const UnitFacts& unit = units[which];
  const bool blocked = unit.state == core::TaskState::kBlocked;
  if (!blocked && unit.state != core::TaskState::kReady) return "";
  std::vector<std::string> producers;
  for (const std::size_t position : unit.producers) {
    const UnitFacts& producer = units[position];
    if (core::IsFinal(producer.state)) continue;
    producers.push_back(fmt::format("{} ({})", producer.name, core::TaskStateName(producer.state)));
  }
  // That a task has become ready is written when there is time for it: who is blocked by nobody is.
  if (!producers.empty()) return "waits for " + Names(producers);
  return WhatIsShort(units, unit, room);
}

}  // namespace dml::report
