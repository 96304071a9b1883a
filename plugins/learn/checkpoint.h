#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "plugins/learn/stats_bytes.h"

namespace dml::learn {

// Where a fit leaves its state from time to time, so that the next attempt of its task goes on from
// there: one file, whose name is the task's alone. A file that another build of the state, another
// arithmetic or a crash has made is as good as none. Saving costs at most a twentieth of the time
// and never fails the fit. Not thread-safe.
struct CheckpointPlace {
  std::string folder;  // survives attempts; comes into being with the first save; empty: no saves
  std::string name = "fit";
  Duration interval = Duration::Seconds(5);           // between saves, at least; 0: at every step
  std::function<void(const std::string& line)> tell;  // for people; may be empty
};

class Checkpoint {
 public:
  // `layout` names what the bytes mean: another one is not read.
  Checkpoint(CheckpointPlace place, std::string layout);

  // What the last save of an earlier attempt left.
  [[nodiscard]] std::optional<std::vector<std::byte>> Load() const;
  // Whether it is time for another save.
  [[nodiscard]] bool Due() const;
  // A crash at any instruction leaves the old state or the new one.
  void Save(std::span<const std::byte> state);
  void Tell(const std::string& line) const;

 private:
  [[nodiscard]] std::string Path() const;
  [[nodiscard]] std::string Header(std::span<const std::byte> state) const;

  const CheckpointPlace place_;
  const std::string layout_;
  const SystemClock clock_;
  Instant due_;
};

// The state of a fit that lists its members as stats_bytes.h says.
template <typename State>
bool LoadState(const Checkpoint& checkpoint, State& state) {
  const auto bytes = checkpoint.Load();
  if (!bytes) return false;
  StatsReader reader(*bytes);
  state.Fields(reader);
  return true;
}

template <typename State>
void SaveState(Checkpoint& checkpoint, State& state) {
  StatsWriter writer;
  state.Fields(writer);
  checkpoint.Save(writer.bytes());
}

}  // namespace dml::learn
