// What heads ask of an agent, and what the agent finds when it begins.

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

#include "base/files.h"
#include "runners/node/agent.h"
#include "runners/node/disk.h"
#include "runners/node/drain.h"

namespace dml::node {

namespace {

using runners::FrameType;

constexpr Duration kDrainInterval = Duration::Seconds(1);

// Since it was written.
Duration AgeOf(const agent::AttemptRecord& record) {
  const std::int64_t us = SystemClock().Wall().us - record.noted.us;
  return {std::max<std::int64_t>(0, us) * 1000};
}

}  // namespace

RunId Agent::OurRun(const std::string& client, RunId theirs) {
  Client& entry = clients_[client];
  if (entry.name.empty()) {
    entry.name = client;
    entry.seen = clock_.Now();
  }
  const auto [it, inserted] = entry.runs.try_emplace(theirs);
  if (inserted) it->second = RunId{++runs_};
  return it->second;
}

Agent::Key Agent::OurKey(const std::string& client, const Key& theirs) {
  return {OurRun(client, theirs.run), theirs.task, theirs.attempt};
}

Result<void> Agent::TakeUpRecords() {
  DML_TRY(std::vector<RecordBook::Entry> entries, records_.TakeOver());
  std::set<std::string> recorded;
  for (RecordBook::Entry& entry : entries) {
    // Of an earlier boot: the processes are gone, and so are the blobs.
    if (entry.record.worker.boot != BootId()) {
      records_.Drop(entry.place);
      continue;
    }
    recorded.insert(entry.name);
    TakeUp(std::move(entry));
  }
  RemoveUnrecorded(options_.root, recorded);
  return {};
}

// `record.key` is the key that the dead agent used; the name holds the head's.
void Agent::TakeUp(RecordBook::Entry entry) {
  agent::AttemptRecord& record = entry.record;
  const std::string client = entry.name.substr(0, entry.name.find('.'));
  const std::string run = entry.name.substr(client.size() + 1);
  const Key theirs{RunId{std::strtoll(run.c_str(), nullptr, 10)}, record.key.task,
                   record.key.attempt};
  const Key key = OurKey(client, theirs);
  Attempt attempt{client, theirs, AttemptPaths(options_.root, entry.name),
                  std::move(record.outputs)};
  attempt.place = entry.place;
  attempt.told = entry.told;
  attempt.order = ++launches_;
  attempt.began = clock_.Now();
  attempt.is_command = record.command_pid > 0;
  attempt.worker = record.worker;
  attempt.command_pid = record.command_pid;
  if (!record.exited) {
    attempt.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, record.worker.pid, 0));
    if (attempt.pidfd >= 0 && !IsAlive(record.worker)) {
      ::close(attempt.pidfd);
      attempt.pidfd = -1;
    }
  }
  if (record.exited) attempt.age = AgeOf(record);
  const bool alive = attempt.pidfd >= 0;
  running_.emplace(attempt.order, key);
  attempts_.insert_or_assign(key, std::move(attempt));
  if (alive) {
    adopted_.insert(key);
  } else if (record.exited) {
    Ended(key, std::move(*record.exited));
  } else {
    CheckAdopted(key);  // it may have written its last word since
  }
}

// The worker of an adopted attempt is gone: its record says how it ended, if it got that far.
void Agent::CheckAdopted(const Key& key) {
  Attempt& attempt = attempts_.at(key);
  const bool was_alive = attempt.pidfd >= 0;
  if (was_alive) ::close(attempt.pidfd);
  attempt.pidfd = -1;
  adopted_.erase(key);
  auto record = RecordOf(attempt);
  if (record && record->exited) return Ended(key, std::move(*record->exited));
  if (record) agent::SignalCommand(*record, SIGKILL);
  // Whatever left the group of its command.
  if (was_alive) EndLeftBehind();
  if (attempt.kill_at) {
    runners::AttemptExited exited;
    exited.key = key;
    exited.reason = runners::ExitKilled{};
    return Conclude(key, Finished{std::move(exited), {}, 0});
  }
  Conclude(key, Lost{key, Error::Environment("its worker process vanished"), {}});
}

void Agent::Handle(Session& session, const runners::Frame& frame) {
  if (frame.type == FrameType::kAttach) {
    auto attach = DecodeAttach(frame.payload);
    if (attach.ok()) HandleAttach(session, *attach);
    return;
  }
  if (session.client.empty()) return;  // nothing else is heard before
  // Of another version, only what every version says alike.
  if (session.attach.version != kWireVersion && frame.type != FrameType::kStop) return;
  if (frame.type == FrameType::kLaunch) {
    auto spec = runners::DecodeLaunch(frame.payload);
    if (spec.ok()) HandleLaunch(session, std::move(spec).value());
  } else if (frame.type == FrameType::kAdopt) {
    auto adopt = DecodeAdopt(frame.payload);
    if (adopt.ok()) HandleAdopt(session, *adopt);
  } else if (frame.type == FrameType::kKill) {
    auto request = runners::DecodeKill(frame.payload);
    if (request.ok()) HandleKill(session, *request);
  } else if (frame.type == FrameType::kRelease) {
    auto keys = DecodeKeys(frame.payload);
    if (keys.ok()) HandleRelease(session, *keys);
  } else if (frame.type == FrameType::kLook) {
    auto look = DecodeLook(frame.payload);
    if (look.ok()) looker_->Add(session.serial, std::move(look).value());
  } else if (frame.type == FrameType::kStop) {
    HandleStop(session);
  }
}

// Answered once the script of the head's inventory has run; most have none.
void Agent::HandleAttach(Session& session, const Attach& attach) {
  session.attaching = attach;
  if (attach.env_init.empty()) return FinishAttach(session, "");
  const auto [found, inserted] = surroundings_.try_emplace(attach.env_init);
  if (inserted) {
    StartScript(attach);
  } else if (!found->second.running) {
    FinishAttach(session, "");
  }
}

void Agent::StartScript(const Attach& attach) {
  auto started = LoginScript::Start(options_.root, options_.program, attach.env, attach.env_init);
  if (started.ok()) {
    surroundings_.at(attach.env_init).running = std::move(started).value();
    return;
  }
  surroundings_.erase(attach.env_init);
  for (const auto& session : sessions_) {
    const bool waits = session->attaching && session->attaching->env_init == attach.env_init;
    if (waits) FinishAttach(*session, started.error().message);
  }
}

// A script that failed runs again for the next head that asks for it.
void Agent::CheckScripts() {
  std::vector<std::pair<std::string, std::string>> ended;  // and why it is of no use
  for (auto& [script, one] : surroundings_) {
    if (!one.running) continue;
    auto result = one.running->Look(clock_.Now());
    if (!result) continue;
    one.running.reset();
    if (result->ok()) one.env = std::move(*result).value();
    ended.emplace_back(script, result->ok() ? "" : result->error().message);
  }
  for (const auto& [script, trouble] : ended) {
    journal_.Add(trouble.empty() ? "env_init has run" : trouble);
    if (!trouble.empty()) surroundings_.erase(script);
    for (const auto& session : sessions_) {
      const bool waits = session->attaching && session->attaching->env_init == script;
      if (waits) FinishAttach(*session, trouble);
    }
  }
}

void Agent::FinishAttach(Session& session, const std::string& trouble) {
  drain_looked_ = {};
  CheckDrain();
  session.attach = std::move(*session.attaching);
  session.attaching.reset();
  const Attach& attach = session.attach;
  session.client = attach.client;
  clients_[attach.client].name = attach.client;
  clients_[attach.client].seen = clock_.Now();
  if (!attach.shared_dir.empty()) {
    const SharedBlobs shared(attach.shared_dir);
    session.shared = shared.HasToken(attach.client, attach.token);
    if (session.shared) blobs_.Share(shared);
  }
  journal_.Add(attach.client + " is connected");
  Attached answer;
  answer.agent_pid = ::getpid();
  answer.boot = BootId();
  answer.host = HostName();
  answer.cpus = options_.cpus;
  answer.memory_bytes = options_.memory_bytes;
  answer.disk_free_bytes = FreeBytes(options_.root);
  answer.lease = options_.lease;
  answer.trouble = trouble;
  if (attach.version != kWireVersion) {
    answer.trouble = "its agent was started by another version of dml, and is at work";
  }
  answer.drained = drained_;
  answer.shared = session.shared;
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.client != attach.client || attempt.forget) continue;
    answer.attempts.push_back({attempt.theirs, attempt.outcome.has_value(), attempt.command_pid});
  }
  session.Send(FrameType::kAttached, Encode(answer));
}

// Somebody may have drained the node, by a file.
void Agent::CheckDrain() {
  const Instant now = clock_.Now();
  if (now - drain_looked_ < kDrainInterval) return;
  drain_looked_ = now;
  std::string reason = DrainReason(options_.root);
  if (reason == drained_) return;
  drained_ = std::move(reason);
  journal_.Add(drained_.empty() ? "no longer drained" : "drained: " + drained_);
  for (const auto& session : sessions_) {
    if (!session->client.empty()) session->Send(FrameType::kDrain, drained_);
  }
}

// Idempotent by key: one that is known is taken up where it stands.
void Agent::HandleLaunch(Session& session, runners::LaunchSpec spec) {
  const Key theirs = spec.key;
  const Key key = OurKey(session.client, theirs);
  if (const auto known = attempts_.find(key); known != attempts_.end()) {
    // What an older connection brings late must not turn away the newer one, which would hear of no
    // end.
    const Session* reporter = known->second.reporter;
    if (reporter != nullptr && reporter->serial > session.serial) return;
    return HandleAdopt(session, {theirs, 0});
  }
  auto full = FindDiskFull(options_.root);
  if (full && blobs_.Evict(Duration{0}) > 0) full = FindDiskFull(options_.root);
  if (full) {
    return session.Send(FrameType::kLost, Encode(Lost{theirs, *full, {}}));
  }
  Attempt attempt{session.client, theirs,
                  AttemptPaths(options_.root, AttemptName(session.client, theirs)), spec.outputs};
  attempt.paths.checkpoint = CheckpointPath(options_.root, session.client, spec.checkpoint_dir);
  spec.key = key;
  auto absent = PlaceAttempt(attempt.paths, blobs_, spec);
  if (!absent.ok() || !absent->empty()) {
    attempt.paths.Remove();
    Lost lost{theirs, Error::Environment("the node lacks inputs"), {}};
    if (absent.ok()) {
      lost.absent = std::move(absent).value();
    } else {
      lost.error = absent.error();
    }
    return session.Send(FrameType::kLost, Encode(lost));
  }
  attempt.place = records_.Add();
  spec.record_path = attempt.place ? records_.PathOf(*attempt.place) : "";
  attempt.reporter = &session;
  attempt.title = spec.task_name;
  if (session.shared && session.attach.share_outputs)
    attempt.shared_dir = session.attach.shared_dir;
  attempt.order = ++launches_;
  attempt.began = clock_.Now();
  attempt.is_command = std::holds_alternative<runners::Command>(spec.work);
  if (const auto found = surroundings_.find(session.attach.env_init);
      found != surroundings_.end() && std::holds_alternative<runners::Command>(spec.work)) {
    for (const auto& [name, value] : found->second.env) spec.env.emplace(name, value);
  }
  Note(attempt, "begins");
  running_.emplace(attempt.order, key);
  attempts_.emplace(key, std::move(attempt));
  launching_.push_back(std::move(spec));
}

void Agent::HandleAdopt(Session& session, const Adopt& adopt) {
  const Key key = OurKey(session.client, adopt.key);
  const auto found = attempts_.find(key);
  // Of one that was let go nothing is told at its end.
  if (found == attempts_.end() || found->second.forget) {
    const Lost lost{adopt.key, Error::Environment("the node does not know this attempt"), {}};
    return session.Send(FrameType::kLost, Encode(lost));
  }
  Attempt& attempt = found->second;
  attempt.reporter = &session;
  attempt.log_sent = adopt.log_from;
  if (attempt.outcome) session.reports.push_back(key);
}

void Agent::HandleKill(const Session& session, const runners::KillRequest& request) {
  const Key key = OurKey(session.client, request.key);
  if (attempts_.contains(key)) Kill(key, request.mode);
}

void Agent::Kill(const Key& key, runners::KillMode mode) {
  Attempt& attempt = attempts_.at(key);
  if (attempt.outcome) return;
  if (!attempt.worker) {
    // The pool ends what it has, and knows nothing of what is about to begin.
    if (!launching_.empty()) pool_->Launch(std::exchange(launching_, {}));
    return pool_->Kill(key, mode);
  }
  // An adopted worker hears nobody. A command is ended through its process group, and its worker
  // notes that; a native step has nothing outside its worker to clean up.
  const auto record = RecordOf(attempt);
  if (record) attempt.command_pid = record->command_pid;
  const bool at_once = mode == runners::KillMode::kKill || attempt.command_pid == 0;
  if (record) agent::SignalCommand(*record, at_once ? SIGKILL : SIGTERM);
  if (at_once) SignalProcess(*attempt.worker, SIGKILL);
  if (!attempt.kill_at) {
    attempt.kill_at = clock_.Now() + (record ? record->grace : Duration::Seconds(10));
  }
}

std::optional<agent::AttemptRecord> Agent::RecordOf(const Attempt& attempt) const {
  if (!attempt.place || !attempt.worker) return std::nullopt;
  return records_.Find(*attempt.place, *attempt.worker);
}

void Agent::DropRecord(const Attempt& attempt) {
  if (attempt.place) records_.Drop(*attempt.place);
}

// The record first: what has none is not taken up, but removed by the next agent.
void Agent::Remove(const Attempt& attempt) {
  DropRecord(attempt);
  attempt.paths.Remove();
}

void Agent::Forget(const Key& key) {
  const auto found = attempts_.find(key);
  if (found == attempts_.end()) return;
  if (found->second.outcome) {
    const auto* finished = std::get_if<Finished>(&*found->second.outcome);
    if (finished != nullptr &&
        std::holds_alternative<runners::ExitSuccess>(finished->exited.reason)) {
      found->second.paths.RemoveCheckpoint();
    }
    Remove(found->second);
    attempts_.erase(found);
    return;
  }
  if (found->second.forget) return;
  found->second.forget = true;
  Kill(key, runners::KillMode::kKill);
}

void Agent::HandleRelease(const Session& session, const std::vector<Key>& keys) {
  for (const Key& theirs : keys) Forget(OurKey(session.client, theirs));
}

void Agent::HandleStop(const Session& session) {
  std::vector<Key> theirs;
  bool others = false;
  for (const auto& [key, attempt] : attempts_) {
    if (attempt.client == session.client) theirs.push_back(key);
    others |= attempt.client != session.client && !attempt.outcome;
  }
  for (const Key& key : theirs) Forget(key);
  asked_to_stop_ = !others;
}

}  // namespace dml::node
