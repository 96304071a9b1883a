#include "runners/ssh/runner_loop.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

#include "base/check.h"
#include "base/files.h"
#include "runners/node/shared_blobs.h"

namespace dml::ssh {

namespace {

constexpr int kTickMs = 1000;
constexpr std::string_view kClosed = "closed";
// What Shutdown() gives the nodes to hear the last words.
constexpr Duration kFarewell = Duration::Seconds(3);

std::string SpeedsPath(const std::string& home) { return home + "/cluster-speeds.json"; }

bool OnOneDisk(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return !a.empty() && ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev;
}

std::string DrainedText(const std::string& reason) {
  return reason == "drained" ? reason : "drained: " + reason;
}

// Of what was killed on a node that does not hear it, and that nobody waits for.
std::string EndsLater(const std::string& node, const std::string& what) {
  return fmt::format(
      "{}: cancel pending: {} there, and it cannot be reached; the next dml of this home that "
      "connects there ends it, or else the node itself, once its lease is over",
      node, what);
}

void Wake(int fd) {
  const std::uint64_t one = 1;
  const ssize_t written = ::write(fd, &one, sizeof one);
  DML_CHECK(written == sizeof one || errno == EAGAIN, "an event descriptor takes a count");
}

}  // namespace

SshRunner::Loop::Loop(ClusterOptions options, runners::EventSink& sink)
    : options_(std::move(options)),
      sink_(sink),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      unsettled_(options_.cluster.hosts.size()),
      notes_(options_.home) {
  LinkOptions link = options_.link;
  link.connect_timeout = options_.cluster.connect_timeout;
  for (const Host& host : options_.cluster.hosts) {
    auto node = std::make_unique<Node>();
    node->host = host;
    node->load.labels = host.labels;
    node->load.name = host.name;
    node->load.tasks_max = static_cast<int>(host.slots);
    node->down_since = clock_.Now();
    nodes_.push_back(std::move(node));
  }
  LeaveTokens();
  if (const auto known = ReadFile(SpeedsPath(options_.home)); known.ok()) {
    speeds_ = NodeSpeeds::FromJson(Json::parse(*known, nullptr, /*allow_exceptions=*/false));
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i]->link =
        options_.link_to(nodes_[i]->host, options_.worker, link, [this, i](LinkEvent event) {
          Post(LinkReport{i, std::move(event)});
        });
    nodes_[i]->lanes = std::make_unique<SideLanes>(nodes_[i]->host, options_.worker, link,
                                                   [this] { Wake(wake_fd_); });
  }
  Publish();
  copier_ = std::make_unique<SharedCopier>([this](const SharedCopier::Copy& copy, bool there) {
    Post(CopyEnded{copy, there});
  });
  thread_ = std::jthread([this] { Work(); });
}

SshRunner::Loop::~Loop() {
  Shutdown();
  ::close(wake_fd_);
}

void SshRunner::Loop::Post(Request request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
  if (requests_.size() == 1) Wake(wake_fd_);
}

Result<void> SshRunner::Loop::AwaitNodes() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return unsettled_ == 0; });
  total_fixed_ = true;
  if (total_.cpus > 0) return {};
  std::string reasons;
  for (const NodeView& view : views_) {
    reasons += fmt::format("\n  {}: {}", view.name, view.verdict);
  }
  return Error::Environment("no node of the cluster can be used:" + reasons,
                            "`dml cluster check` says more");
}

// Fixed once every node had its say: the scheduler plans with it.
runners::Capacity SshRunner::Loop::Total() const {
  const std::lock_guard lock(mutex_);
  runners::Capacity total = total_;
  if (options_.jobs > 0) total.cpus = options_.jobs;
  return total;
}

void SshRunner::Loop::Launch(std::vector<runners::LaunchSpec> batch) {
  Post(LaunchAsked{std::move(batch)});
}

void SshRunner::Loop::Kill(const Key& key, runners::KillMode mode) { Post(KillAsked{key, mode}); }

runners::AttemptStatus SshRunner::Loop::Find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return runners::AttemptUnknown{};
  return runners::AttemptRunning{found->second.second.pid};
}

void SshRunner::Loop::Release(const Key& key) { Post(ReleaseAsked{key}); }

std::vector<NodeView> SshRunner::Loop::Nodes() const {
  const std::lock_guard lock(mutex_);
  return views_;
}

void SshRunner::Loop::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    Wake(wake_fd_);
  }
  if (thread_.joinable()) thread_.join();
  copier_.reset();
  for (const auto& node : nodes_) {
    if (node->link) node->link->Stop();
    if (node->lanes) node->lanes->Close();
    node->port.Close();
  }
  for (const auto& node : nodes_) {
    node->link.reset();
    node->lanes.reset();
  }
  for (const std::string& folder : std::exchange(tokens_, {})) {
    node::SharedBlobs(folder).RemoveToken(options_.client);
  }
  notes_.Close();
  if (options_.home.empty()) return;
  // Lost at worst: then it is learned anew.
  static_cast<void>(WriteFileAtomic(SpeedsPath(options_.home), CanonicalJson(speeds_.ToJson())));
}

void SshRunner::Loop::Work() {
  std::optional<Instant> leaving;
  while (true) {
    PollOnce();
    TakeRequests();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = *nodes_[i];
      if (!node.port.open()) continue;
      for (const runners::Frame& frame : node.port.Receive(clock_.Now())) {
        if (!node.port.open()) break;  // what came before was no sense
        Handle(i, frame);
      }
      node.lanes->Turn(node.port.uploads, clock_.Now());
      TakeTransfers(i);
    }
    Place();
    notes_.Flush();  // before the launches leave: whoever comes after this process reads it
    bool waiting = false;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Node& node = *nodes_[i];
      if (!node.port.open()) continue;
      if (!node.releases.empty() && node.attached) {
        node.port.Send(runners::FrameType::kRelease,
                       node::EncodeKeys(std::exchange(node.releases, {})));
      }
      if (node.attached) node.lanes->Share(node.port, clock_.Now());
      node.port.Heartbeat(clock_.Now());
      node.port.Flush();
      waiting |= node.port.wants_to_write();
      // The link closed it, and is about to say why; else it notices that its socket is closed and
      // connects again.
      if (node.port.ended()) {
        node.port.Close();
      } else if (node.port.broken()) {
        NodeDown(i, "it does not answer", /*final=*/false);
      }
    }
    CheckLeases();
    GiveUpLooks();
    TryFullAgain();
    NoteWaits();
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_) continue;
      if (!requests_.empty()) continue;
    }
    if (!leaving) {
      leaving = clock_.Now() + kFarewell;
      Wake(wake_fd_);
      std::vector<Key> alive;
      for (const auto& [key, attempt] : attempts_) {
        if (attempt.phase == Phase::kLaunched || attempt.phase == Phase::kStaging) {
          alive.push_back(key);
        }
      }
      // Nobody will hear of them any more, nor of what earlier processes left of the same runs.
      for (const Key& key : alive) Forget(key);
      const std::lock_guard lock(mutex_);
      for (const auto& [key, known] : known_) {
        if (runs_.contains(key.run)) nodes_[known.first]->releases.push_back(key);
      }
      continue;
    }
    if (waiting && clock_.Now() < *leaving) continue;
    return Publish();
  }
}

void SshRunner::Loop::PollOnce() {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  for (const auto& node : nodes_) {
    if (!node->port.open()) continue;
    fds.push_back({node->port.fd(),
                   static_cast<short>(POLLIN | (node->port.wants_to_write() ? POLLOUT : 0)), 0});
    node->lanes->AddTo(fds);
  }
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
  }
  ::poll(fds.data(), fds.size(), stopping ? 10 : kTickMs);
  std::uint64_t count = 0;
  if (fds[0].revents != 0 && ::read(wake_fd_, &count, sizeof count) < 0) count = 0;
}

void SshRunner::Loop::TakeRequests() {
  std::vector<Request> requests;
  {
    const std::lock_guard lock(mutex_);
    requests.swap(requests_);
  }
  for (Request& request : requests) {
    std::visit([this](auto& one) { Do(one); }, request);
  }
}

void SshRunner::Loop::Do(LaunchAsked& asked) {
  for (runners::LaunchSpec& spec : asked.batch) {
    const Key key = spec.key;
    if (runs_.insert(key.run).second) RefuseClaims(key.run);
    LetGoOfOlder(key);
    std::optional<std::size_t> where;
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = known_.extract(key)) where = known.mapped().first;
    }
    Attempt attempt;
    attempt.spec = std::move(spec);
    if (!attempts_.emplace(key, std::move(attempt)).second) continue;
    if (where) {
      TakeUp(key, *where);
    } else {
      pending_.push_back(key);
    }
  }
}

// Of the same task: nothing of it may run beside a new attempt.
void SshRunner::Loop::LetGoOfOlder(const Key& key) {
  const std::lock_guard lock(mutex_);
  auto older = known_.lower_bound({key.run, key.task, {}});
  while (older != known_.end() && older->first < key) {
    nodes_[older->second.first]->releases.push_back(older->first);
    older = known_.erase(older);
  }
}

// What nodes said of that run before it was ours, of attempts that were given to others: it is not
// believed, and what they may have is ended, unless it is the same agent under another name.
void SshRunner::Loop::RefuseClaims(RunId run) {
  for (const auto& node : nodes_) {
    std::erase_if(node->claims, [&](const auto& claim) {
      const auto& [key, given] = claim;
      if (key.run != run) return false;
      const auto owner = std::ranges::find_if(
          nodes_, [&name = given](const auto& one) { return one->host.name == name; });
      if (owner != nodes_.end() && IsSameAgent(**owner, *node)) return true;
      node->releases.push_back(key);
      if (std::exchange(node->claims_told, true)) return true;
      options_.notice(fmt::format(
          "{}: it claims to have attempt {} of task {} of r{}, which was given to {}: that is not "
          "believed. Either its agent is not what it should be, or hosts of the inventory have "
          "changed names",
          node->host.name, key.attempt.value, key.task.value, run.value,
          given.empty() ? "no node" : given));
      return true;
    });
  }
}

// An attempt of an earlier process, which that node has.
void SshRunner::Loop::TakeUp(const Key& key, std::size_t index) {
  Assign(key, index);
  attempts_.at(key).phase = Phase::kLaunched;
  Node& node = *nodes_[index];
  if (node.attached) {
    node.port.Send(runners::FrameType::kAdopt, node::Encode(node::Adopt{key, 0}));
  }
}

void SshRunner::Loop::Do(KillAsked& asked) {
  const auto found = attempts_.find(asked.key);
  if (found == attempts_.end()) {
    // Of an earlier process, and unwanted.
    {
      const std::lock_guard lock(mutex_);
      const auto known = known_.find(asked.key);
      if (known != known_.end()) {
        nodes_[known->second.first]->releases.push_back(asked.key);
        known_.erase(known);
        return;
      }
    }
    const auto given = ReadGiven(options_.home, asked.key.run);
    const auto where = given.find(asked.key);
    for (const auto& node : nodes_) {
      if (where == given.end() || where->second != node->host.name || node->attached) continue;
      options_.notice(
          EndsLater(node->host.name,
                    fmt::format("attempt {} of task {} of r{} may run", asked.key.attempt.value,
                                asked.key.task.value, asked.key.run.value)));
    }
    return;
  }
  Attempt& attempt = found->second;
  if (attempt.phase == Phase::kReported) return;
  attempt.killed = asked.mode;
  const bool ended = attempt.phase == Phase::kFetching;
  if (ended || attempt.phase == Phase::kLaunched) {
    Node& node = *nodes_[attempt.node];
    if (node.attached && !ended) {
      node.port.Send(runners::FrameType::kKill, runners::EncodeKill({asked.key, asked.mode}));
      return;
    }
    // What has ended well is almost here.
    if (asked.mode != runners::KillMode::kKill && node.attached) return;
    if (asked.mode != runners::KillMode::kKill) {
      options_.notice(
          fmt::format("{}: cancel pending: '{}' {} there, and it cannot be reached; this waits "
                      "for the node until {} at most, and less if it is asked once more",
                      node.host.name, attempt.spec.task_name, ended ? "has ended" : "runs",
                      node.patience_ends));
      return;
    }
    if (!node.attached && !ended) {
      options_.notice(EndsLater(node.host.name, fmt::format("'{}' runs", attempt.spec.task_name)));
    }
    node.releases.push_back(asked.key);  // ends it when the node is back
  }
  EndKilled(asked.key);
}

void SshRunner::Loop::Do(ReleaseAsked& asked) {
  const auto found = attempts_.find(asked.key);
  if (found != attempts_.end() && found->second.phase == Phase::kReported) {
    nodes_[found->second.node]->releases.push_back(asked.key);
    Unassign(asked.key);
    attempts_.erase(found);
  }
}

void SshRunner::Loop::Do(LinkReport& report) {
  Node& node = *nodes_[report.node];
  if (const auto* up = std::get_if<LinkUp>(&report.event)) {
    node.port.Open(up->fd, clock_.Now(), options_.link.silence);
    node.greeted = false;
    node.drain_changes = 0;
    node::Attach attach{node::kWireVersion, options_.client, node.host.env_init, node.host.env};
    if (tokens_.contains(node.host.shared_dir)) {
      attach.shared_dir = node.host.shared_dir;
      attach.token = token_;
      attach.share_outputs = OnOneDisk(options_.home, node.host.shared_dir);
    }
    node.port.Send(runners::FrameType::kAttach, node::Encode(attach));
    return;
  }
  const auto& down = std::get<LinkDown>(report.event);
  const std::string hint = down.error.hint.empty() ? "" : "; " + down.error.hint;
  const std::string why = down.error.message + hint;
  NodeDown(report.node, why, down.final);
  // Attempts wait for a node that refuses us, perhaps for as long as the lease: somebody has to
  // know.
  if (down.refused && !node.attempts.empty() && std::exchange(node.told, why) != why) {
    options_.notice(fmt::format("{}: it cannot be taken up again ({})", node.host.name, why));
  }
}

void SshRunner::Loop::NodeDown(std::size_t index, const std::string& why, bool final) {
  Node& node = *nodes_[index];
  const bool was_attached = std::exchange(node.attached, false);
  node.port.Close();
  node.lanes->Close();
  // Of a connection that was given up here, the other end of the socket has nothing to add.
  if (why != kClosed || node.trouble.empty()) node.trouble = why;
  node.gone |= final;
  if (was_attached) {
    node.down_since = clock_.Now();
    node.patience_ends = TimeIn(PatienceWith(node));
    options_.notice(fmt::format("{}: connection lost ({}); {} attempts go on there", node.host.name,
                                why, node.attempts.size()));
    StandBack(index);
    TellIfAlone(node);
  }
  UpdateUse(node);
  Publish();
  // A server that is busy turns some away at first: that is no verdict yet.
  const bool waited = clock_.Now() - node.down_since > options_.cluster.connect_timeout;
  if (final || waited || ++node.failures >= kFirstTriesMax) Settle(index);
}

// What had not begun there may begin elsewhere.
void SshRunner::Loop::StandBack(std::size_t index) {
  const std::set<Key> attempts = nodes_[index]->attempts;
  for (const Key& key : attempts) {
    if (attempts_.at(key).phase != Phase::kStaging) continue;
    Unassign(key);
    attempts_.at(key).phase = Phase::kPending;
    pending_.push_back(key);
  }
}

// Whether it may get attempts, and why not.
void SshRunner::Loop::UpdateUse(Node& node) {
  std::string why;
  if (!node.attached) why = node.trouble.empty() ? "not connected yet" : "not connected";
  if (!node.drained.empty()) why = "drained";
  if (!node.refused.empty()) why = "out of use";
  node.load.usable = why.empty();
  node.load.unusable = std::move(why);
}

void SshRunner::Loop::Settle(std::size_t index) {
  if (std::exchange(nodes_[index]->settled, true)) return;
  TellIfLeftOut(*nodes_[index]);
  const std::lock_guard lock(mutex_);
  if (unsettled_ > 0) --unsettled_;
  settled_.notify_all();
}

// A run that uses fewer machines than it was given says so at its start.
void SshRunner::Loop::TellIfLeftOut(const Node& node) {
  if (!node.attached && node.refused.empty()) {
    options_.notice(fmt::format("{}: left out{}: {}", node.host.name, node.gone ? "" : " for now",
                                node.trouble));
  } else if (node.attached && !node.drained.empty()) {
    options_.notice(
        fmt::format("{}: left out for now: {}", node.host.name, DrainedText(node.drained)));
  }
}

// How long a node may be away before its attempts are lost.
Duration SshRunner::Loop::PatienceWith(const Node& node) const {
  return std::max(options_.cluster.lease, node.lease) + options_.lease_margin;
}

// Attempts without a node wait for as long again: a machine that needs longer than the lease to
// start anew is no reason to end a run.
bool SshRunner::Loop::GivenUp(const Node& node) const {
  const Duration patience = PatienceWith(node);
  return !node.attached && clock_.Now() - node.down_since > patience + patience;
}

// By the clock on the wall of this machine, for people.
std::string SshRunner::Loop::TimeIn(Duration left) const {
  const auto at = static_cast<std::time_t>((clock_.Wall().us + left.ns / 1000) / 1'000'000);
  std::tm local{};
  ::localtime_r(&at, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

// Nothing can begin any more, and perhaps never will.
void SshRunner::Loop::TellIfAlone(const Node& lost) {
  if (std::ranges::any_of(nodes_, [](const auto& node) { return node->attached; })) return;
  const Duration patience = PatienceWith(lost);
  options_.notice(
      fmt::format("no node is connected any more; if none comes back, what runs there is given up "
                  "at {}, and the run ends at {} with code 3: `dml retry latest` goes on with it "
                  "then",
                  lost.patience_ends, TimeIn(patience + patience)));
}

// Attempts on nodes that were away for longer than their lease: fenced, and reported as lost. What
// such a node says of them later is not heard.
void SshRunner::Loop::CheckLeases() {
  for (const auto& node : nodes_) {
    if (node->attached || node->attempts.empty()) continue;
    const bool over = clock_.Now() - node->down_since > PatienceWith(*node);
    if (!over && !node->gone) continue;
    const std::set<Key> attempts = node->attempts;
    for (const Key& key : attempts) {
      if (attempts_.at(key).phase == Phase::kReported) continue;
      Lose(key, Error::Environment(
                    fmt::format("the node {} was unreachable for longer than the lease: {}",
                                node->host.name, node->trouble)));
    }
  }
}

void SshRunner::Loop::Publish() {
  const std::lock_guard lock(mutex_);
  views_.clear();
  if (!total_fixed_) total_ = {0, 0};
  for (const auto& node : nodes_) {
    std::string verdict = "ready";
    if (!node->attached) verdict = node->trouble.empty() ? "connecting" : node->trouble;
    if (!node->drained.empty()) verdict = DrainedText(node->drained);
    if (!node->refused.empty()) verdict = node->refused;
    const std::int64_t sent_beside = node->lanes ? node->lanes->bytes_sent() : 0;
    views_.push_back({node->host.name, node->attached, std::move(verdict), node->load.slots,
                      static_cast<std::int64_t>(node->attempts.size()), node->shared,
                      node->port.uploads.bytes_sent() + sent_beside,
                      node->port.downloads.bytes_received()});
    if (total_fixed_ || !node->load.usable) continue;
    total_.cpus += node->load.slots;
    total_.memory_bytes += node->load.memory_bytes;
  }
}

}  // namespace dml::ssh
