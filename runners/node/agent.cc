#include "runners/node/agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>

#include "base/check.h"
#include "base/files.h"
#include "runners/agent/orphans.h"
#include "runners/node/disk.h"
#include "runners/node/drain.h"
#include "runners/node/territory.h"
#include "runners/node/unix_socket.h"

namespace dml::node {

namespace {

constexpr Duration kLogInterval = Duration::Millis(100);
// Logs of that many attempts are followed while they run, the oldest first; the others' come at
// their end.
constexpr int kFollowedLogsMax = 64;
constexpr int kIdleCheckMs = 1000;
constexpr int kFollowMs = 100;
constexpr Duration kDiskInterval = Duration::Millis(kFollowMs - 10);

void Wake(int fd) {
  const std::uint64_t one = 1;
  const ssize_t written = ::write(fd, &one, sizeof one);
  DML_CHECK(written == sizeof one || errno == EAGAIN, "an event descriptor takes a count");
}

// By itself, and not because somebody ended it.
bool IsFailure(const runners::ExitReason& reason) {
  return std::holds_alternative<runners::ExitFailure>(reason) ||
         std::holds_alternative<runners::ExitSignal>(reason);
}

std::string HowItEnded(const std::variant<Finished, Lost>& outcome) {
  if (const auto* lost = std::get_if<Lost>(&outcome)) return "lost: " + lost->error.message;
  const runners::ExitReason& reason = std::get<Finished>(outcome).exited.reason;
  if (const auto* failure = std::get_if<runners::ExitFailure>(&reason)) {
    return fmt::format("failed with exit code {}: {}", failure->exit_code, failure->error.message);
  }
  if (const auto* signal = std::get_if<runners::ExitSignal>(&reason)) {
    return fmt::format("ended by signal {}{}", signal->signal,
                       signal->out_of_memory ? ", out of memory" : "");
  }
  if (std::holds_alternative<runners::ExitTimeout>(reason)) return "ran out of time";
  if (std::holds_alternative<runners::ExitKilled>(reason)) return "was killed";
  return "succeeded";
}

}  // namespace

// "<head> r1 'task' attempt 1: what"
void Agent::Note(const Attempt& attempt, const std::string& what) {
  const Key& key = attempt.theirs;
  const std::string title =
      attempt.title.empty() ? fmt::format("task {}", key.task.value) : "'" + attempt.title + "'";
  journal_.Add(fmt::format("{} r{} {} attempt {}: {}", attempt.client, key.run.value, title,
                           key.attempt.value, what));
}

Result<std::unique_ptr<Agent>> Agent::Open(AgentOptions options) {
  DML_RETURN_IF_ERROR(Claim(options.root));
  for (const char* name : {"/attempts", "/logs", "/records"}) {
    DML_RETURN_IF_ERROR(MakeDirectories(options.root + name));
  }
  DML_TRY(BlobCache blobs, BlobCache::Open(options.root));
  std::unique_ptr<Agent> agent(new Agent(std::move(options), std::move(blobs)));
  // Before: a worker that is at no attempt of which a record says so could begin with one yet.
  agent->EndLeftBehind();
  DML_RETURN_IF_ERROR(agent->TakeUpRecords());
  if (!agent->attempts_.empty()) {
    agent->journal_.Add(fmt::format("{} attempts of before were found", agent->attempts_.size()));
  }
  DML_TRY(agent->listener_, ListenAt(agent->options_.root, "agent.sock"));
  return agent;
}

Agent::Agent(AgentOptions options, BlobCache blobs)
    : options_(std::move(options)),
      blobs_(std::move(blobs)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      needed_(clock_.Now()),
      journal_(options_.root),
      records_(options_.root),
      drained_(DrainReason(options_.root)) {
  journal_.Add(fmt::format("the agent begins as process {}{}", ::getpid(),
                           drained_.empty() ? "" : "; drained: " + drained_));
  const double cpus = std::max(1.0, std::ceil(options_.cpus));
  collector_ = std::make_unique<Collector>(blobs_, [this](Collected collected) {
    const std::lock_guard lock(mutex_);
    inbound_.emplace_back(std::move(collected));
    Wake(wake_fd_);
  });
  looker_ =
      std::make_unique<FileLooker>(options_.files_from, options_.root + "/known-files",
                                   [this](std::uint64_t asker, Looked looked) {
                                     const std::lock_guard lock(mutex_);
                                     inbound_.emplace_back(LookEnded{asker, std::move(looked)});
                                     Wake(wake_fd_);
                                   });
  pool_ = std::make_unique<agent::WorkerPool>(
      agent::PoolOptions{options_.worker_argv,
                         cpus,
                         {{agent::kOwnerVariable, agent::AgentMark(options_.root)}},
                         options_.tasks},
      *this);
}

Agent::~Agent() {
  journal_.Add("the agent ends");
  journal_.Flush();
  pool_->Shutdown();
  records_.Tidy(clock_.Now() + RecordBook::kIdleMax);  // nothing will be added
  collector_.reset();
  looker_.reset();
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.pidfd >= 0) ::close(attempt.pidfd);
  }
  if (listener_ >= 0) {
    ::unlink((options_.root + "/agent.sock").c_str());
    ::close(listener_);
  }
  ::close(wake_fd_);
}

void Agent::Stop() {
  stop_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_fd_, &one, sizeof one) < 0) return;
}

void Agent::Post(runners::RunnerEvent event) {
  const std::lock_guard lock(mutex_);
  inbound_.emplace_back(std::move(event));
  if (inbound_.size() == 1) Wake(wake_fd_);
}

void Agent::Serve() {
  while (!stop_) {
    PollOnce();
    TakeInbound();
    if (!launching_.empty()) pool_->Launch(std::exchange(launching_, {}));
    CheckKillDeadlines();
    WatchDisk();
    CheckScripts();
    CheckDrain();
    SendLogs();
    for (const auto& session : sessions_) {
      SendReports(*session);
      session->Flush();
    }
    DropDead();
    CheckLeases();
    journal_.Flush();
    records_.Tidy(clock_.Now());
    if (Idle(clock_.Now())) return;
  }
}

int Agent::PollTimeoutMs() const {
  return running_.empty() && !records_.Untidy() ? kIdleCheckMs : kFollowMs;
}

// While something runs: by its end there may be space again.
void Agent::WatchDisk() {
  const Instant now = clock_.Now();
  if (running_.empty() || now - disk_looked_ < kDiskInterval) return;
  disk_looked_ = now;
  if (FindDiskFull(options_.root)) disk_full_ = now;
}

// Of an attempt that has ended with that reason: why nobody can rely on it.
std::optional<Error> Agent::WhyDoubtful(const Attempt& attempt,
                                        const runners::ExitReason& reason) const {
  const bool failed = IsFailure(reason);
  if (auto full = failed ? ProveDiskFull(options_.root) : FindDiskFull(options_.root)) return full;
  if (!disk_full_ || *disk_full_ < attempt.began) return std::nullopt;
  // A native step looks whether all was written.
  if (!failed && !attempt.is_command) return std::nullopt;
  return Error::Environment(
      "for a moment its disk was full while this ran: what it wrote may be cut short",
      "free space there, or run `dml cluster gc`");
}

void Agent::PollOnce() {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}, {listener_, POLLIN, 0}};
  for (const auto& session : sessions_) {
    fds.push_back(
        {session->fd(), static_cast<short>(POLLIN | (session->wants_to_write() ? POLLOUT : 0)), 0});
  }
  const std::vector<Key> adopted(adopted_.begin(), adopted_.end());
  for (const Key& key : adopted) fds.push_back({attempts_.at(key).pidfd, POLLIN, 0});
  for (const auto& [script, one] : surroundings_) {
    if (one.running) fds.push_back({one.running->pidfd(), POLLIN, 0});
  }
  if (::poll(fds.data(), fds.size(), PollTimeoutMs()) < 0) return;
  const Instant now = clock_.Now();
  std::uint64_t count = 0;
  if (fds[0].revents != 0 && ::read(wake_fd_, &count, sizeof count) < 0) count = 0;
  const std::size_t sessions = sessions_.size();
  for (std::size_t i = 0; i < sessions; ++i) {
    if ((fds[2 + i].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    for (const runners::Frame& frame : sessions_[i]->Receive(now)) Handle(*sessions_[i], frame);
  }
  for (std::size_t i = 0; i < adopted.size(); ++i) {
    if (fds[2 + sessions + i].revents != 0) CheckAdopted(adopted[i]);
  }
  if (fds[1].revents != 0) Accept();
}

void Agent::Accept() {
  for (int fd = AcceptOwn(listener_); fd >= 0; fd = AcceptOwn(listener_)) {
    sessions_.push_back(std::make_unique<Session>(fd, blobs_, clock_.Now()));
    sessions_.back()->serial = ++accepted_;
  }
}

void Agent::TakeInbound() {
  std::vector<Inbound> inbound;
  {
    const std::lock_guard lock(mutex_);
    inbound.swap(inbound_);
  }
  for (Inbound& one : inbound) {
    if (auto* event = std::get_if<runners::RunnerEvent>(&one)) {
      Hear(std::move(*event));
    } else if (auto* collected = std::get_if<Collected>(&one)) {
      TakeCollected(std::move(*collected));
    } else {
      TakeLooked(std::get<LookEnded>(one));
    }
  }
}

void Agent::TakeCollected(Collected collected) {
  const Key ended = collected.exited.key;
  if (!collected.outputs.ok()) {
    if (auto full = ProveDiskFull(options_.root)) return Conclude(ended, Lost{ended, *full, {}});
  }
  Finished finished{std::move(collected.exited), {}, 0};
  if (collected.outputs.ok()) {
    finished.outputs = std::move(collected.outputs).value();
  } else {
    const int code = collected.outputs.error().kind == ErrorKind::kEnvironment ? 3 : 1;
    finished.exited.reason = runners::ExitFailure{collected.outputs.error(), code};
  }
  Conclude(ended, std::move(finished));
}

// Of a connection that is gone, nobody hears it: the next one asks again.
void Agent::TakeLooked(const LookEnded& ended) {
  const auto asker = std::ranges::find_if(
      sessions_, [&](const auto& session) { return session->serial == ended.asker; });
  if (asker != sessions_.end()) (*asker)->Send(runners::FrameType::kLooked, Encode(ended.looked));
}

// What agents before this one have left running: a retry must not begin beside it.
void Agent::EndLeftBehind() {
  const auto ended = EndLeftovers(options_.root);
  if (!ended.ok()) journal_.Add(ended.error().message);
  if (ended.ok() && *ended > 0) {
    journal_.Add(fmt::format("{} processes of a dead agent were ended", *ended));
  }
}

void Agent::Hear(runners::RunnerEvent event) {
  const Key key = std::visit([](const auto& one) { return one.key; }, event);
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;
  Attempt& attempt = found->second;
  if (auto* exited = std::get_if<runners::AttemptExited>(&event)) {
    Ended(key, std::move(*exited));
  } else if (auto* lost = std::get_if<runners::AttemptLost>(&event)) {
    Conclude(key, Lost{key, ProveDiskFull(options_.root).value_or(lost->error), {}});
  } else if (attempt.reporter != nullptr) {
    if (auto* started = std::get_if<runners::AttemptStarted>(&event)) {
      attempt.reporter->Send(runners::FrameType::kStarted,
                             runners::EncodeStarted({attempt.theirs, started->pid}));
    } else {
      auto progress = std::get<runners::AttemptProgress>(event);
      progress.key = attempt.theirs;
      attempt.reporter->Send(runners::FrameType::kProgress, runners::EncodeProgress(progress));
    }
  }
}

void Agent::Ended(const Key& key, runners::AttemptExited exited) {
  const Attempt& attempt = attempts_.at(key);
  const bool collects =
      std::holds_alternative<runners::ExitSuccess>(exited.reason) && !attempt.outputs.empty();
  exited.key = key;
  // What it found damaged, or has damaged, is not for others.
  if (!std::holds_alternative<runners::ExitSuccess>(exited.reason)) {
    DropDamaged(attempt.paths, blobs_);
    if (IsFailure(exited.reason)) {
      if (auto doubt = WhyDoubtful(attempt, exited.reason)) {
        return Conclude(key, Lost{key, *doubt, {}});
      }
    }
  } else if (auto doubt = WhyDoubtful(attempt, exited.reason)) {
    // Few commands look whether all was written: its outputs and its log may be cut short. The next
    // agent, which may find room again, must not read of a success.
    DropRecord(attempt);
    return Conclude(key, Lost{key, *doubt, {}});
  }
  if (collects) {
    return collector_->Add(
        {std::move(exited), attempt.paths.folder, attempt.outputs, attempt.shared_dir});
  }
  Conclude(key, Finished{std::move(exited), {}, 0});
}

// The attempt is over and its outcome known: it is kept until its head says that it is durable.
void Agent::Conclude(const Key& key, std::variant<Finished, Lost> outcome) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;
  Attempt& attempt = found->second;
  running_.erase(attempt.order);
  if (!attempt.told) Note(attempt, HowItEnded(outcome));
  attempt.told = true;
  if (attempt.forget) {
    Remove(attempt);
    attempts_.erase(found);
    return;
  }
  if (attempt.place) records_.MarkTold(*attempt.place);
  attempt.ended = clock_.Now() + Duration{-attempt.age.ns};
  attempt.outcome = std::move(outcome);
  if (attempt.reporter != nullptr) attempt.reporter->reports.push_back(key);
}

void Agent::SendLogs() {
  const Instant now = clock_.Now();
  if (now - logs_sent_ < kLogInterval) return;
  logs_sent_ = now;
  int followed = 0;
  for (const auto& [order, key] : running_) {
    if (++followed > kFollowedLogsMax) break;
    Attempt& attempt = attempts_.at(key);
    if (attempt.reporter != nullptr) SendLog(attempt);
  }
}

// Adopted attempts that were asked to end and did not, within their grace period.
void Agent::CheckKillDeadlines() {
  const Instant now = clock_.Now();
  for (const Key& key : adopted_) {
    const std::optional<Instant> kill_at = attempts_.at(key).kill_at;
    if (kill_at && *kill_at <= now) Kill(key, runners::KillMode::kKill);
  }
}

// What the log holds beyond what was sent, as far as the connection takes it now.
void Agent::SendLog(Attempt& attempt) {
  const int fd = ::open(attempt.paths.log.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && info.st_size < attempt.log_sent) {
    // It had grown too large, and was cut.
    attempt.log_sent = 0;
    attempt.reporter->Send(runners::FrameType::kLog, Encode(LogPiece{attempt.theirs, 0, ""}));
  }
  std::string block(kChunkBytesMax, '\0');
  while (!attempt.reporter->full()) {
    const ssize_t got = ::pread(fd, block.data(), block.size(), attempt.log_sent);
    if (got <= 0) break;
    const auto bytes = std::string_view(block).substr(0, static_cast<std::size_t>(got));
    attempt.reporter->Send(runners::FrameType::kLog,
                           Encode(LogPiece{attempt.theirs, attempt.log_sent, bytes}));
    attempt.log_sent += got;
  }
  ::close(fd);
}

// The end of an attempt is told after the last byte of its log.
void Agent::SendReports(Session& session) {
  while (!session.reports.empty() && !session.full()) {
    const auto found = attempts_.find(session.reports.front());
    if (found == attempts_.end() || found->second.reporter != &session || !found->second.outcome) {
      session.reports.pop_front();
      continue;
    }
    Attempt& attempt = found->second;
    SendLog(attempt);
    if (session.full()) {
      session.Flush();
      if (session.full()) return;
      continue;
    }
    if (const auto* finished = std::get_if<Finished>(&*attempt.outcome)) {
      Finished report = *finished;
      report.exited.key = attempt.theirs;
      report.log_bytes = attempt.log_sent;
      session.Send(runners::FrameType::kFinished, EncodeWithin(report, runners::kFramePayloadMax));
    } else {
      Lost report = std::get<Lost>(*attempt.outcome);
      report.key = attempt.theirs;
      session.Send(runners::FrameType::kLost, Encode(report));
    }
    session.reports.pop_front();
  }
}

// A head whose machine or network died says nothing, and the system may take hours to notice.
void Agent::DropDead() {
  const Instant now = clock_.Now();
  for (const auto& session : sessions_) {
    if (now - session->heard() > options_.silence) session->Drop();
    if (session->broken()) looker_->Cancel(session->serial);
    if (session->client.empty()) continue;
    needed_ = now;
    Instant& seen = clients_[session->client].seen;
    seen = std::max(seen, session->heard());
    if (!session->broken()) continue;
    journal_.Add(session->client + " is disconnected");
    for (auto& [key, attempt] : attempts_) {
      if (attempt.reporter == session.get()) attempt.reporter = nullptr;
    }
  }
  std::erase_if(sessions_, [](const auto& session) { return session->broken(); });
}

// Attempts whose head has been away for too long: their results would be refused anyhow.
void Agent::CheckLeases() {
  const Instant now = clock_.Now();
  std::set<std::string> connected;
  for (const auto& session : sessions_) connected.insert(session->client);
  for (const auto& [name, client] : clients_) {
    if (now - client.seen < options_.lease || connected.contains(name)) continue;
    std::vector<Key> over;
    for (const auto& [key, attempt] : attempts_) {
      if (attempt.client != name) continue;
      if (!attempt.outcome || now - attempt.ended > options_.keep) over.push_back(key);
    }
    if (!over.empty()) {
      journal_.Add(
          fmt::format("{} was away for too long: {} attempts are dropped", name, over.size()));
    }
    for (const Key& key : over) Forget(key);
  }
}

bool Agent::Idle(Instant now) {
  if (!running_.empty()) needed_ = now;
  if (asked_to_stop_ && running_.empty()) return true;
  return now - needed_ > options_.idle;
}

}  // namespace dml::node
