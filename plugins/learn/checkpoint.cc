#include "plugins/learn/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/hash.h"
#include "plugins/learn/kernels/dense.h"

namespace dml::learn {

namespace {

constexpr std::string_view kMagic = "dml checkpoint 1";
// Of the time between two saves, what a save may take.
constexpr std::int64_t kCostShare = 20;

std::string_view Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Checkpoint::Checkpoint(CheckpointPlace place, std::string layout)
    : place_(std::move(place)),
      layout_(std::move(layout)),
      due_(place_.folder.empty() ? Instant{std::numeric_limits<std::int64_t>::max()}
                                 : clock_.Now() + place_.interval) {}

std::string Checkpoint::Path() const { return place_.folder + "/" + place_.name; }

std::string Checkpoint::Header(std::span<const std::byte> state) const {
  return fmt::format("{}\n{}\n{}\n{}\n", kMagic, layout_, Arithmetic(),
                     Sha256::Of(Text(state)).Hex());
}

std::optional<std::vector<std::byte>> Checkpoint::Load() const {
  if (place_.folder.empty()) return std::nullopt;
  const auto file = ReadFile(Path());
  if (!file.ok()) return std::nullopt;
  std::size_t end = 0;
  for (int line = 0; line < 4 && end != std::string::npos; ++line) {
    end = file->find('\n', end);
    if (end != std::string::npos) ++end;
  }
  if (end == std::string::npos) return std::nullopt;
  const auto bytes = std::as_bytes(std::span(*file)).subspan(end);
  if (Header(bytes) != file->substr(0, end)) {
    Tell("the checkpoint of an earlier attempt is of another kind or damaged: starting anew");
    return std::nullopt;
  }
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

bool Checkpoint::Due() const { return clock_.Now() >= due_; }

void Checkpoint::Save(std::span<const std::byte> state) {
  const Instant start = clock_.Now();
  auto saved = MakeDirectories(place_.folder);
  if (saved.ok()) saved = WriteFileAtomic(Path(), Header(state) + std::string(Text(state)));
  if (!saved.ok()) Tell("no checkpoint: " + saved.error().Render());
  CrashPoint("checkpoint.saved");
  const Instant now = clock_.Now();
  due_ = now;
  if (place_.interval.ns == 0) return;
  due_ = now + std::max(place_.interval, Duration{(now - start).ns * kCostShare});
}

void Checkpoint::Tell(const std::string& line) const {
  if (place_.tell) place_.tell(line);
}

}  // namespace dml::learn
