#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "orchestrator/engine/run_loop.h"
#include "orchestrator/engine/store_files.h"
#include "tests/engine/fake_step.h"

namespace dml::engine {

// Thrown wherever the process that drives the run may die.
struct SimCrash {};

// Every call across a seam counts down to the death of the process, if one is planned.
class CrashSwitch {
 public:
  void Plan(std::uint64_t calls) { left_ = calls; }
  void Disarm() { left_ = 0; }
  void Tick() {
    if (left_ > 0 && --left_ == 0) throw SimCrash{};
  }

 private:
  std::uint64_t left_ = 0;
};

// Virtual time: moves only when the simulation says so. The wall clock may be set to anything.
class SimClock final : public Clock {
 public:
  explicit SimClock(CrashSwitch& crash) : crash_(crash) {}
  [[nodiscard]] Instant Now() const override { return now_; }
  // Asked right before something is made durable.
  [[nodiscard]] WallTime Wall() const override {
    crash_.Tick();
    return {wall_us_ + now_.ns / 1000};
  }
  void AdvanceTo(Instant when) { now_ = std::max(now_, when); }
  void SetWall(std::int64_t us) { wall_us_ = us; }

 private:
  CrashSwitch& crash_;
  Instant now_{1};
  std::int64_t wall_us_ = 1'800'000'000'000'000;
};

// Messages on their way to the loop, by the instant at which they arrive; equal instants in the
// order in which they were sent. Some are work of the helper thread, done on arrival.
class Post {
 public:
  using Item = std::function<std::optional<Message>()>;

  void Send(Instant when, Message message) {
    Do(when, [message = std::move(message)] { return std::optional(message); });
  }
  void Do(Instant when, Item item) { queue_.emplace(std::pair(when, next_++), std::move(item)); }
  [[nodiscard]] std::optional<Instant> Next() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first.first;
  }
  std::vector<Item> TakeUntil(Instant now) {
    std::vector<Item> due;
    while (!queue_.empty() && queue_.begin()->first.first <= now) {
      due.push_back(std::move(queue_.begin()->second));
      queue_.erase(queue_.begin());
    }
    return due;
  }
  void Clear() { queue_.clear(); }

 private:
  std::map<std::pair<Instant, std::uint64_t>, Item> queue_;
  std::uint64_t next_ = 0;
};

// A disk in memory that knows what a loss of power would leave. Contents and names are durable
// once synced, as POSIX has it; nothing else is.
class SimDisk final : public StoreFiles {
 public:
  explicit SimDisk(CrashSwitch& crash) : crash_(crash) {}

  [[nodiscard]] Result<std::optional<std::vector<ArtifactFile>>> List(
      const std::string& folder) const override;
  [[nodiscard]] Result<Digest> Hash(const std::string& path) const override;
  [[nodiscard]] BlobState Look(const std::string& blob, std::int64_t size,
                               const Digest& digest) const override;
  Result<void> Sync(const std::string& path) override;
  Result<void> Adopt(const std::string& path, const std::string& blob) override;
  Result<void> SyncFolder(const std::string& path) override;

  [[nodiscard]] bool Has(const std::string& path) const { return names_.contains(path); }
  void Write(const std::string& path, const std::string& text);
  void Remove(const std::string& path) { names_.erase(path); }
  void RemoveFolder(const std::string& folder);
  // What was not synced is cut short, or gone.
  void LosePower(const std::function<std::uint64_t(std::uint64_t)>& draw);
  void SetFull(bool full) { full_ = full; }
  // Paths of the files in the store.
  [[nodiscard]] std::vector<std::string> Blobs() const;

 private:
  struct Content {
    std::string text;
    bool synced = false;
  };
  struct Name {
    std::shared_ptr<Content> content;
    bool synced = false;
  };
  [[nodiscard]] Result<void> Change(const std::string& action, const std::string& path);

  CrashSwitch& crash_;
  std::map<std::string, Name> names_;
  bool full_ = false;
};

}  // namespace dml::engine
