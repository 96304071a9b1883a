// Where attempts go, and how their inputs get there.

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "base/files.h"
#include "runners/node/shared_blobs.h"
#include "runners/ssh/plain_names.h"
#include "runners/ssh/runner_loop.h"

namespace dml::ssh {

namespace {

// How many that fit nowhere are passed over before the rest has to wait, too.
constexpr std::size_t kLookaheadMax = 64;
// Between which an attempt is expected to last, whatever earlier ones did.
constexpr double kSecondsLeast = 0.05;
constexpr double kSecondsMost = 3600;
// A file that cannot be linked is copied into a shared folder up to this size. A larger one goes by
// the wire.
constexpr std::int64_t kCopiedMax = 64 << 20;
constexpr Duration kWaitsInterval = Duration::Seconds(1);

// Calls `see` for every file that an attempt reads and that a node may have to be sent.
template <typename See>
void ForEachFile(const runners::LaunchSpec& spec, See see) {
  for (const Artifact& input : spec.inputs) {
    for (const ArtifactFile& file : input.files) see(file);
  }
  for (const runners::FileSet& set : spec.files) {
    if (set.in_place) continue;
    for (const ArtifactFile& file : set.files) see(file);
  }
}

}  // namespace

Need SshRunner::Loop::NeedOf(const runners::LaunchSpec& spec) const {
  const bool native = std::holds_alternative<std::vector<runners::NativeStep>>(spec.work);
  Need need{static_cast<double>(spec.threads), spec.memory_bytes, spec.labels,
            native && spec.threads == 1 && spec.memory_bytes == 0};
  ForEachFile(spec, [&](const ArtifactFile& file) { need.input_bytes += file.size; });
  for (const runners::FileSet& set : spec.files) {
    if (set.in_place) need.node = set.in_place->node;
  }
  need.seconds = std::clamp(speeds_.SecondsOf(KindOf(spec.task_name)), kSecondsLeast, kSecondsMost);
  return need;
}

std::int64_t SshRunner::Loop::MissingBytes(const Node& node,
                                           const runners::LaunchSpec& spec) const {
  std::int64_t bytes = 0;
  ForEachFile(spec, [&](const ArtifactFile& file) {
    const bool shared = node.shared && offered_.contains({node.host.shared_dir, file.digest});
    if (!shared && !node.port.uploads.Holds(file.digest)) bytes += file.size;
  });
  return bytes;
}

// In the order of launches; one that fits nowhere now lets smaller ones pass.
void SshRunner::Loop::Place() {
  std::vector<Key> waiting;
  while (!pending_.empty() && waiting.size() < kLookaheadMax) {
    const Key key = pending_.front();
    pending_.pop_front();
    if (!attempts_.contains(key)) continue;  // killed while it waited
    if (!PlaceOne(key)) waiting.push_back(key);
  }
  pending_.insert(pending_.begin(), waiting.begin(), waiting.end());
}

// A task that a node has failed goes elsewhere while there is an elsewhere: what is wrong there
// would use up its attempts.
bool SshRunner::Loop::Avoids(const Node& node, const Key& key, const Need& need) const {
  const auto failed = [&](const Node& other) {
    return other.failed.contains(std::pair(key.run, key.task));
  };
  if (!failed(node) || !need.node.empty()) return false;
  return std::ranges::any_of(nodes_, [&](const auto& other) {
    return other->load.usable && !failed(*other) && HasLabels(other->host.labels, need) &&
           other->load.slots >= need.cpus && other->load.memory_bytes >= need.memory_bytes;
  });
}

// False: it has to wait.
bool SshRunner::Loop::PlaceOne(const Key& key) {
  const runners::LaunchSpec& spec = attempts_.at(key).spec;
  const Need need = NeedOf(spec);
  std::vector<NodeLoad> loads;
  loads.reserve(nodes_.size());
  for (const auto& node : nodes_) {
    loads.push_back(node->load);
    loads.back().missing_bytes = MissingBytes(*node, spec);
    loads.back().speed = speeds_.SpeedOf(node->host.name);
    if (Avoids(*node, key, need)) {
      loads.back().usable = false;
      loads.back().unusable = "another attempt of it failed there";
    }
  }
  if (const auto chosen = ChooseNode(need, loads)) {
    waits_.erase(key);
    notes_.Went(key, loads[*chosen].name, WhyThere(need, loads, *chosen));
    Assign(key, *chosen);
    Stage(key);
    return true;
  }
  const auto why = WhyNowhere(need);
  waits_[key] = WhyNotNow(need, loads);
  if (why) Lose(key, *why);
  return why.has_value();
}

// Why no node will ever take it; nothing while one may.
std::optional<Error> SshRunner::Loop::WhyNowhere(const Need& need) const {
  bool labelled = false;
  std::string reasons;
  for (const auto& node : nodes_) {
    if (!HasLabels(node->host.labels, need) || !HasFiles(node->host.name, need)) continue;
    labelled = true;
    if (node->refused.empty() && !node->gone && !GivenUp(*node)) return std::nullopt;
    std::string why = node->refused.empty() ? node->trouble : node->refused;
    if (node->refused.empty() && !node->gone) {
      why = fmt::format("not reached for {:.0f} s: {}", 2 * PatienceWith(*node).seconds(), why);
    }
    reasons += fmt::format("; {}: {}", node->host.name, why);
  }
  if (!labelled) {
    std::string labels;
    for (const std::string& label : need.labels) labels += (labels.empty() ? "" : ", ") + label;
    const std::string who =
        need.node.empty()
            ? "no node of the cluster carries"
            : fmt::format("the node {}, whose files it reads, does not carry", need.node);
    return Error::Invalid(fmt::format("{} the labels {}", who, labels),
                          "add labels: to a host of the inventory");
  }
  return Error::Environment("no node is left to run it" + reasons);
}

void SshRunner::Loop::Assign(const Key& key, std::size_t index) {
  Attempt& attempt = attempts_.at(key);
  Node& node = *nodes_[index];
  attempt.node = index;
  attempt.holds_slots = true;
  node.load.used += attempt.spec.threads;
  ++node.load.tasks;
  node.load.memory_used += attempt.spec.memory_bytes;
  node.attempts.insert(key);
}

void SshRunner::Loop::Unassign(const Key& key) {
  Attempt& attempt = attempts_.at(key);
  Node& node = *nodes_[attempt.node];
  if (node.attempts.erase(key) == 0) return;
  for (const Digest& digest : attempt.awaited) {
    const auto waiters = node.waiters.find(digest);
    if (waiters == node.waiters.end()) continue;
    waiters->second.erase(key);
    if (!waiters->second.empty()) continue;
    node.waiters.erase(waiters);
    node.port.uploads.Abandon(digest);
    node.lanes->Abandon(digest);
  }
  attempt.awaited.clear();
  for (const std::string& target : attempt.fetching) {
    node.port.CancelFetch(target);
    by_target_.erase(target);
  }
  attempt.fetching.clear();
  if (!attempt.holds_slots) return;
  attempt.holds_slots = false;
  node.load.used -= attempt.spec.threads;
  --node.load.tasks;
  node.load.memory_used -= attempt.spec.memory_bytes;
}

void SshRunner::Loop::Stage(const Key& key) {
  Attempt& attempt = attempts_.at(key);
  Node& node = *nodes_[attempt.node];
  attempt.phase = Phase::kStaging;
  ForEachFile(attempt.spec, [&](const ArtifactFile& file) {
    if (node.port.uploads.Holds(file.digest) || Offer(node, file)) return;
    if (!attempt.awaited.insert(file.digest).second) return;
    node.waiters[file.digest].insert(key);
    if (!CopyThere(node, file)) node.port.uploads.Want(file.digest, file.path);
  });
  if (attempt.awaited.empty()) SendLaunch(key);
}

// Leaves a token in every shared_dir, by which nodes can tell that they see the same folder. One
// that cannot take it is not shared.
void SshRunner::Loop::LeaveTokens() {
  std::set<std::string> folders;
  for (const auto& node : nodes_) {
    if (!node->host.shared_dir.empty()) folders.insert(node->host.shared_dir);
  }
  if (folders.empty()) return;
  std::array<char, 32> noise{};
  if (::getrandom(noise.data(), noise.size(), 0) != static_cast<ssize_t>(noise.size())) return;
  token_ = Sha256::Of(std::string_view(noise.data(), noise.size())).Hex();
  for (const std::string& folder : folders) {
    const auto left = node::SharedBlobs(folder).LeaveToken(options_.client, token_);
    if (left.ok()) tokens_.insert(folder);
    if (!left.ok()) options_.notice("shared_dir " + folder + ": " + left.error().message);
  }
}

// True if the node can read the file in the folder that it shares with this machine.
bool SshRunner::Loop::Offer(Node& node, const ArtifactFile& file) {
  if (!node.shared) return false;
  const std::pair<std::string, Digest> entry(node.host.shared_dir, file.digest);
  if (offered_.contains(entry)) return true;
  if (!node::SharedBlobs(node.host.shared_dir).Link(file.path, file.digest)) return false;
  offered_.insert(entry);
  return true;
}

// True if it is on its way into that folder.
bool SshRunner::Loop::CopyThere(const Node& node, const ArtifactFile& file) {
  if (!node.shared || file.size > kCopiedMax) return false;
  if (copying_.emplace(node.host.shared_dir, file.digest).second) {
    copier_->Add({node.host.shared_dir, file.path, file.digest});
  }
  return true;
}

void SshRunner::Loop::Do(CopyEnded& ended) {
  const SharedCopier::Copy& copy = ended.copy;
  const std::pair<std::string, Digest> entry(copy.shared_dir, copy.digest);
  copying_.erase(entry);
  if (ended.there) offered_.insert(entry);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = *nodes_[i];
    if (node.host.shared_dir != copy.shared_dir || !node.waiters.contains(copy.digest)) continue;
    if (ended.there && node.shared) {
      Uploaded(i, {copy.digest, {}});
    } else {
      node.port.uploads.Want(copy.digest, copy.path);
    }
  }
}

// Takes an output from there; false if it has to come by the wire.
bool SshRunner::Loop::TakeShared(const Node& node, const ArtifactFile& file,
                                 const std::string& target) {
  if (!node.shared) return false;
  const std::string path = node::SharedBlobs(node.host.shared_dir).PathOf(file.digest);
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size != file.size) {
    return false;
  }
  const std::string folder = std::filesystem::path(target).parent_path().string();
  if (!MakeDirectories(folder).ok() || ::link(path.c_str(), target.c_str()) != 0) return false;
  offered_.insert({node.host.shared_dir, file.digest});
  return true;
}

// For `dml explain`, which is another process.
void SshRunner::Loop::NoteWaits() {
  const Instant now = clock_.Now();
  if (now - noted_ < kWaitsInterval) return;
  noted_ = now;
  std::erase_if(waits_, [&](const auto& entry) {
    const auto found = attempts_.find(entry.first);
    return found == attempts_.end() || found->second.phase != Phase::kPending;
  });
  std::map<Key, std::string> waits = waits_;
  for (const auto& node : nodes_) {
    if (node->attached) continue;
    for (const Key& key : node->attempts) {
      waits[key] = fmt::format(
          "{}: not connected; what runs there goes on, and is waited for until "
          "{} at most",
          node->host.name, node->patience_ends);
    }
  }
  NoteLooks(waits);
  notes_.Wait(waits);
}

void SshRunner::Loop::Learn(const Attempt& attempt, const runners::AttemptExited& exited) {
  if (!std::holds_alternative<runners::ExitSuccess>(exited.reason)) return;
  speeds_.Observe(nodes_[attempt.node]->host.name, KindOf(attempt.spec.task_name),
                  exited.usage.wall.seconds());
}

void SshRunner::Loop::SendLaunch(const Key& key) {
  Attempt& attempt = attempts_.at(key);
  Node& node = *nodes_[attempt.node];
  runners::LaunchSpec spec = attempt.spec;
  for (const auto& [name, value] : node.host.env) spec.env.emplace(name, value);
  if (auto named = UsePlainNames(spec); !named.ok()) return Lose(key, std::move(named).error());
  const std::string payload = runners::EncodeLaunch(spec);
  if (payload.size() > runners::kFramePayloadMax) {
    return Lose(key, Error::Invalid("its parameters, arguments, environment and the names of its "
                                    "input files are larger than 64 MiB",
                                    "write large values into a file and pass its path, and pack "
                                    "many small files into one archive"));
  }
  attempt.phase = Phase::kLaunched;
  // Otherwise it is launched again once the node is back.
  if (node.attached) node.port.Send(runners::FrameType::kLaunch, payload);
}

void SshRunner::Loop::TakeTransfers(std::size_t index) {
  Node& node = *nodes_[index];
  if (node.port.damaged() + node.lanes->damaged() > 0 && !std::exchange(node.damage_told, true)) {
    options_.notice(node.host.name +
                    ": a piece of a file arrived damaged, and was sent again: check the memory of "
                    "this machine and of that one");
  }
  for (const Uploads::Done& done : node.port.uploads.Take()) Uploaded(index, done);
  for (const Uploads::Done& done : node.lanes->Take()) {
    if (done.result.ok()) node.port.uploads.Learn(done.digest);
    Uploaded(index, done);
  }
  for (const Downloads::Done& done : node.port.downloads.Take()) Fetched(index, done);
}

void SshRunner::Loop::Uploaded(std::size_t index, const Uploads::Done& done) {
  Node& node = *nodes_[index];
  const auto found = node.waiters.extract(done.digest);
  if (found.empty()) return;
  if (!done.result.ok()) RefuseIfFull(index, done.result.error());
  for (const Key& key : found.mapped()) {
    Attempt& attempt = attempts_.at(key);
    attempt.awaited.erase(done.digest);
    if (done.result.ok()) {
      if (attempt.awaited.empty() && attempt.phase == Phase::kStaging) {
        CrashPoint("cluster.staged");
        SendLaunch(key);
      }
      continue;
    }
    Unassign(key);
    if (!node.refused.empty()) {
      attempt.phase = Phase::kPending;
      pending_.push_back(key);
    } else {
      Lose(key, done.result.error());
    }
  }
}

}  // namespace dml::ssh
