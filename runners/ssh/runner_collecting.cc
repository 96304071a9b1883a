// What nodes say, and how results come back.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/crash_point.h"
#include "base/file_descriptor.h"
#include "base/files.h"
#include "base/quantity.h"
#include "runners/api/executables.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/runner_loop.h"

namespace dml::ssh {

using runners::FrameType;

namespace {

std::int64_t SizeOf(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

// What a node says of its disk; see node/disk.h.
bool IsFull(const std::string& verdict) { return verdict.starts_with("disk full"); }

// It goes nowhere else, and files that change under it are not the node's fault.
bool ReadsInPlace(const runners::LaunchSpec& spec) {
  return std::ranges::any_of(spec.files, [](const auto& set) { return set.in_place.has_value(); });
}

// What becomes of the attempts that a node has when it is drained.
std::string RestOfDrained(std::size_t attempts) {
  if (attempts == 0) return "";
  if (attempts == 1) return ", and the one that it has goes on to its end";
  return fmt::format(", and the {} that it has go on to their end", attempts);
}

bool IsEnvironment(const runners::ExitReason& reason) {
  const auto* failure = std::get_if<runners::ExitFailure>(&reason);
  return failure != nullptr && failure->error.kind == ErrorKind::kEnvironment;
}

}  // namespace

void SshRunner::Loop::Handle(std::size_t index, const runners::Frame& frame) {
  Node& node = *nodes_[index];
  if (!node.attached && frame.type != FrameType::kAttached) return;
  if (frame.type == FrameType::kAttached) {
    // Once on a connection: whoever says it again would have everything compared anew, at will.
    auto attached = node::DecodeAttached(frame.payload);
    if (attached.ok() && !std::exchange(node.greeted, true))
      return HandleAttached(index, *attached);
  } else if (frame.type == FrameType::kFinished) {
    auto finished = node::DecodeFinished(frame.payload);
    if (finished.ok()) return HandleFinished(index, std::move(finished).value());
  } else if (frame.type == FrameType::kLost) {
    auto lost = node::DecodeLost(frame.payload);
    if (lost.ok()) return HandleLost(index, *lost);
  } else if (frame.type == FrameType::kLooked) {
    auto looked = node::DecodeLooked(frame.payload);
    if (looked.ok()) return HandleLooked(index, std::move(looked).value());
  } else if (HandleReport(index, frame)) {
    return;
  }
  options_.notice(node.host.name + ": it sent a message that makes no sense");
  NodeDown(index, "it sent a message that makes no sense", /*final=*/false);
}

// What a node says while its attempts run; of those of other nodes it has nothing to say. False:
// it makes no sense.
bool SshRunner::Loop::HandleReport(std::size_t index, const runners::Frame& frame) {
  if (frame.type == FrameType::kLog) {
    const auto piece = node::DecodeLog(frame.payload);
    if (piece.ok()) HandleLog(index, *piece);
    return piece.ok();
  }
  if (frame.type == FrameType::kStarted) {
    auto started = runners::DecodeStarted(frame.payload);
    if (!started.ok()) return false;
    if (Runs(index, started->key)) sink_.Post(std::move(started).value());
    return true;
  }
  if (frame.type == FrameType::kProgress) {
    auto progress = runners::DecodeProgress(frame.payload);
    if (!progress.ok()) return false;
    if (Runs(index, progress->key)) sink_.Post(std::move(progress).value());
    return true;
  }
  if (frame.type == FrameType::kDrain) return HandleDrain(index, frame.payload);
  return true;
}

bool SshRunner::Loop::Runs(std::size_t index, const Key& key) const {
  const auto found = attempts_.find(key);
  return found != attempts_.end() && found->second.node == index &&
         found->second.phase == Phase::kLaunched;
}

bool SshRunner::Loop::IsSameAgent(const Node& a, const Node& b) {
  return a.attached && b.attached && a.boot == b.boot && a.agent_pid == b.agent_pid &&
         a.agent_host == b.agent_host;
}

// Another node of the inventory that is the same agent: it would be counted twice.
const SshRunner::Loop::Node* SshRunner::Loop::TwinOf(const Node& node) const {
  for (const auto& other : nodes_) {
    if (other.get() != &node && IsSameAgent(*other, node) && other->refused.empty()) {
      return other.get();
    }
  }
  return nullptr;
}

// An agent that another version of dml has left there ends if nobody needs it, and the next
// connection starts ours. Work that it has is left alone, whoever's it is.
void SshRunner::Loop::ReplaceAgent(std::size_t index, const node::Attached& attached) {
  Node& node = *nodes_[index];
  const bool runs =
      std::ranges::any_of(attached.attempts, [](const auto& one) { return !one.finished; });
  node.failures = 0;
  if (!runs && ++node.replacements <= kReplacementsMax) {
    node.port.Send(FrameType::kStop, "");
    node.port.Flush();
    node.port.Close();
    node.trouble = "its agent, which another version of dml has started, makes room";
    return Publish();
  }
  node.refused = fmt::format(
      "its agent was started by another version of dml (it speaks {}, this one {}) and has tasks "
      "of {}; let them end, or run `dml cluster down --force`",
      attached.version, node::kWireVersion, runs ? "this home" : "others");
  options_.notice(node.host.name + ": " + node.refused);
  UpdateUse(node);
  Publish();
  Settle(index);
}

// Which attempts of this home it has. What nobody waits for any more is let go; of what an earlier
// process has given away, only the node that it was given to is asked later.
std::set<runners::AttemptKey> SshRunner::Loop::Compare(std::size_t index,
                                                       const node::Attached& attached) {
  Node& node = *nodes_[index];
  std::set<Key> there;
  std::map<RunId, bool> over_by_run;
  std::map<RunId, std::map<Key, std::string>> given_by_run;
  node.claims.clear();
  for (const node::KnownAttempt& one : attached.attempts) {
    there.insert(one.key);
    if (attempts_.contains(one.key)) continue;
    const bool ours = runs_.contains(one.key.run);
    const auto known = WhoIsKnownToHave(one.key);
    if (known && (ours || *known == index)) continue;  // it is yet to be asked for
    if (ours) {
      node.releases.push_back(one.key);  // fenced meanwhile
      continue;
    }
    // The word that let it go was lost.
    const auto [over, unasked] = over_by_run.try_emplace(one.key.run, false);
    if (unasked) over->second = options_.over(one.key.run);
    if (over->second) {
      node.releases.push_back(one.key);
      continue;
    }
    if (!options_.home.empty()) {
      const auto [given, unread] = given_by_run.try_emplace(one.key.run);
      if (unread) given->second = ReadGiven(options_.home, one.key.run);
      const auto to = given->second.find(one.key);
      const std::string name = to == given->second.end() ? "" : to->second;
      if (name != node.host.name) {
        node.claims.emplace_back(one.key, name);
        continue;
      }
    }
    const std::lock_guard lock(mutex_);
    known_.emplace(one.key, std::make_pair(index, one));
  }
  return there;
}

// Of an attempt of an earlier process that nobody has asked for yet.
std::optional<std::size_t> SshRunner::Loop::WhoIsKnownToHave(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  return found == known_.end() ? std::nullopt : std::optional(found->second.first);
}

// The node is there, perhaps again. What it knows of our attempts is compared with what we know.
void SshRunner::Loop::HandleAttached(std::size_t index, const node::Attached& attached) {
  Node& node = *nodes_[index];
  if (attached.version != node::kWireVersion) return ReplaceAgent(index, attached);
  const bool again = !node.boot.empty();
  const bool rebooted = again && node.boot != attached.boot;
  node.attached = true;
  node.told.clear();
  node.boot = attached.boot;
  node.agent_pid = attached.agent_pid;
  node.agent_host = attached.host;
  if (const Node* twin = TwinOf(node)) {
    const Error error = ssh::TwinOf(twin->host.name);
    node.refused = error.message;
    options_.notice(fmt::format("{}: {}; {}", node.host.name, error.message, error.hint));
  }
  node.lease = std::min(attached.lease, kLeaseMax);
  node.load.slots = CoresOf(node.host) > 0 ? CoresOf(node.host) : std::max(1.0, attached.cpus);
  node.load.memory_bytes =
      std::min(node.host.memory_bytes > 0 ? node.host.memory_bytes : attached.memory_bytes,
               node::kMachineBytesMax);
  node.drained = attached.drained;
  node.shared = attached.shared;
  if (!attached.trouble.empty() && std::exchange(node.refused, attached.trouble).empty()) {
    options_.notice(node.host.name + ": " + node.refused);
  }
  UpdateUse(node);
  if (!node.host.shared_dir.empty() && !node.shared) {
    options_.notice(
        fmt::format("{}: shared_dir {} is not the folder of this machine; inputs are "
                    "copied",
                    node.host.name, node.host.shared_dir));
  }
  node.port.ResumeTransfers();
  if (again) {
    options_.notice(node.host.name + ": connected again");
  } else if (node.settled) {
    options_.notice(node.host.name + ": connected now");  // it had been left out
  }

  const std::set<Key> there = Compare(index, attached);
  const std::set<Key> ours = node.attempts;
  for (const Key& key : ours) {
    Attempt& attempt = attempts_.at(key);
    if (attempt.phase != Phase::kLaunched && attempt.phase != Phase::kFetching) continue;
    if (there.contains(key)) {
      if (attempt.phase == Phase::kFetching) continue;
      const node::Adopt adopt{key, SizeOf(attempt.spec.log_path)};
      node.port.Send(FrameType::kAdopt, node::Encode(adopt));
      if (attempt.killed) {
        node.port.Send(FrameType::kKill, runners::EncodeKill({key, *attempt.killed}));
      }
    } else if (rebooted) {
      Lose(key, Error::Environment("the node " + node.host.name + " was started anew"));
    } else if (attempt.phase == Phase::kLaunched) {
      // Same boot and no record: it never began.
      if (attempt.killed) {
        EndKilled(key);
      } else {
        Stage(key);
      }
    } else {
      Lose(key, Error::Environment("the node " + node.host.name + " lost the outputs"));
    }
  }
  SendLooks(index);
  Publish();
  Settle(index);
}

bool SshRunner::Loop::HandleDrain(std::size_t index, const std::string& reason) {
  Node& node = *nodes_[index];
  if (reason.size() > node::kDrainReasonMax || node.drain_changes >= kDrainChangesMax) return false;
  if (reason == node.drained) return true;
  ++node.drain_changes;
  node.drained = reason;
  const std::string what = reason.empty()
                               ? "no longer drained"
                               : fmt::format("drained ({}); it gets no new tasks{}", reason,
                                             RestOfDrained(node.attempts.size()));
  options_.notice(node.host.name + ": " + what);
  UpdateUse(node);
  if (!reason.empty()) StandBack(index);
  Publish();
  return true;
}

void SshRunner::Loop::HandleFinished(std::size_t index, node::Finished finished) {
  const Key key = finished.exited.key;
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) {
    nodes_[index]->releases.push_back(key);  // of a fenced attempt: nobody wants it
    return;
  }
  Attempt& attempt = found->second;
  if (attempt.node != index || attempt.phase != Phase::kLaunched) return;
  Node& node = *nodes_[index];
  attempt.holds_slots = false;
  node.load.used -= attempt.spec.threads;
  --node.load.tasks;
  node.load.memory_used -= attempt.spec.memory_bytes;
  attempt.phase = Phase::kFetching;
  Learn(attempt, finished.exited);
  attempt.finished = std::move(finished);
  if (IsEnvironment(attempt.finished->exited.reason)) {
    const auto& failure = std::get<runners::ExitFailure>(attempt.finished->exited.reason);
    if (!ReadsInPlace(attempt.spec)) Strike(index, key, failure.error.message);
  } else {
    node.strikes.clear();
    node.full_pause = Duration{0};
  }
  if (std::holds_alternative<runners::ExitSuccess>(attempt.finished->exited.reason)) {
    const std::string out = attempt.spec.attempt_dir + "/out/";
    for (const PortSpec& port : attempt.spec.outputs) {
      if (!port.required) continue;
      if (auto made = MakeDirectories(out + port.name); !made.ok()) return Lose(key, made.error());
    }
    std::set<std::string> executables;
    for (const ArtifactFile& file : attempt.finished->outputs) {
      if (file.executable) executables.insert(file.name);
    }
    // Before the first of them is here: a commit reads it.
    auto noted = runners::NoteExecutables(attempt.spec.attempt_dir, executables);
    if (!noted.ok()) return Lose(key, std::move(noted).error());
    for (const ArtifactFile& file : attempt.finished->outputs) {
      const std::string target = out + file.name;
      if (TakeShared(node, file, target)) continue;
      attempt.fetching.insert(target);
      by_target_.emplace(target, key);
      node.port.uploads.Learn(file.digest);
      node.port.Fetch(file.digest, file.size,
                      attempt.spec.attempt_dir + "/incoming/" + file.digest.Hex(), target);
    }
  }
  if (attempt.fetching.empty()) return Report(key);
  CrashPoint("cluster.ended");
  TakeTransfers(index);
}

void SshRunner::Loop::Fetched(std::size_t, const Downloads::Done& done) {
  const auto owner = by_target_.find(done.target);
  if (owner == by_target_.end()) return;
  const Key key = owner->second;
  by_target_.erase(owner);
  Attempt& attempt = attempts_.at(key);
  attempt.fetching.erase(done.target);
  if (!done.result.ok()) return Lose(key, done.result.error());
  CrashPoint("cluster.fetched");
  if (!attempt.fetching.empty()) return;
  ::rmdir((attempt.spec.attempt_dir + "/incoming").c_str());
  Report(key);
}

// Everything of it is here: the end of the attempt is told. The node keeps it until it is released.
void SshRunner::Loop::Report(const Key& key) {
  Attempt& attempt = attempts_.at(key);
  attempt.phase = Phase::kReported;
  runners::AttemptExited exited = std::move(attempt.finished->exited);
  attempt.finished.reset();
  sink_.Post(std::move(exited));
}

void SshRunner::Loop::HandleLost(std::size_t index, const node::Lost& lost) {
  const auto found = attempts_.find(lost.key);
  if (found == attempts_.end() || found->second.node != index) return;
  Attempt& attempt = found->second;
  if (attempt.phase != Phase::kLaunched) return;
  Node& node = *nodes_[index];
  // It never began.
  if (!lost.absent.empty() && attempt.killed) return EndKilled(lost.key);
  if (!lost.absent.empty() && ++attempt.restages <= kRestagesMax) {
    for (const Digest& digest : lost.absent) {
      node.port.uploads.Unlearn(digest);
      offered_.erase({node.host.shared_dir, digest});
    }
    return Stage(lost.key);
  }
  RefuseIfFull(index, lost.error);
  // What is wrong with the task itself says nothing of the node.
  if (lost.error.kind != ErrorKind::kInvalid) Strike(index, lost.key, lost.error.message);
  Error error = lost.error;
  Lose(lost.key, std::move(error).Within(node.host.name));
}

// A log has no holes: a piece beyond its end is left out, and so are those behind a piece that this
// machine could not take. The next connection goes on where the file ends.
void SshRunner::Loop::HandleLog(std::size_t index, const node::LogPiece& piece) {
  if (!Runs(index, piece.key)) return;
  const std::string& path = attempts_.at(piece.key).spec.log_path;
  if (piece.offset > SizeOf(path)) return;
  if (piece.offset == 0) {
    static_cast<void>(MakeDirectories(std::filesystem::path(path).parent_path().string()));
  }
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) return;
  if (piece.bytes.empty() && ::ftruncate(file.get(), piece.offset) != 0) {
    options_.notice("cannot cut '" + path + "': " + std::strerror(errno));
  }
  std::string_view bytes = piece.bytes;
  std::int64_t offset = piece.offset;
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), offset);
    if (written <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
}

void SshRunner::Loop::Lose(const Key& key, Error error) {
  const Attempt& attempt = attempts_.at(key);
  const bool begun = attempt.phase != Phase::kPending && attempt.phase != Phase::kStaging;
  if (begun) nodes_[attempt.node]->releases.push_back(key);
  Unassign(key);
  attempts_.erase(key);
  if (error.kind == ErrorKind::kInvalid) {
    runners::AttemptExited exited;
    exited.key = key;
    exited.reason = runners::ExitFailure{std::move(error), 2};
    return sink_.Post(std::move(exited));
  }
  sink_.Post(runners::AttemptLost{key, std::move(error)});
}

// It was to be killed, and nothing of it runs.
void SshRunner::Loop::EndKilled(const Key& key) {
  Unassign(key);
  attempts_.erase(key);
  runners::AttemptExited exited;
  exited.key = key;
  exited.reason = runners::ExitKilled{};
  sink_.Post(std::move(exited));
}

void SshRunner::Loop::Forget(const Key& key) {
  nodes_[attempts_.at(key).node]->releases.push_back(key);
  Unassign(key);
  attempts_.erase(key);
}

// A verdict on the node: whatever it gets more would end the same way, for a while at least.
void SshRunner::Loop::RefuseIfFull(std::size_t index, const Error& error) {
  Node& node = *nodes_[index];
  if (!node.refused.empty() || !IsFull(error.message)) return;
  node.refused = error.message;
  node.full_pause = node.full_pause.ns == 0
                        ? options_.full_pause
                        : std::min(node.full_pause + node.full_pause, kFullPauseMax);
  node.full_until = clock_.Now() + node.full_pause;
  UpdateUse(node);
  options_.notice(fmt::format("{}: {}; it gets no more tasks for {}", node.host.name, error.message,
                              FormatDuration(node.full_pause)));
  Publish();
}

// Somebody may have made room. If nobody has, that costs one attempt an attempt.
void SshRunner::Loop::TryFullAgain() {
  for (const auto& node : nodes_) {
    if (!node->full_until || clock_.Now() < *node->full_until) continue;
    node->full_until.reset();
    if (!IsFull(node->refused)) continue;
    node->refused.clear();
    UpdateUse(*node);
    options_.notice(node->host.name + ": its disk may have room again; it is tried");
    Publish();
  }
}

// Failures that are nobody's but the node's, of different tasks with no success in between.
void SshRunner::Loop::Strike(std::size_t index, const Key& key, const std::string& why) {
  Node& node = *nodes_[index];
  node.strikes.insert(key.task);
  node.failed.emplace(key.run, key.task);
  if (node.strikes.size() < kStrikesMax || !node.refused.empty()) return;
  node.refused = fmt::format(
      "in quarantine: {} different tasks in a row failed there, the last "
      "with: {}",
      node.strikes.size(), why);
  UpdateUse(node);
  options_.notice(node.host.name + ": " + node.refused);
  Publish();
}

}  // namespace dml::ssh
