#include "tests/sim/sim_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace dml::engine {

namespace {

// What `on_exit_codes` compares; 0: it succeeds.
int CodeOf(const runners::ExitReason& reason) {
  if (const auto* failure = std::get_if<runners::ExitFailure>(&reason)) return failure->exit_code;
  if (const auto* signal = std::get_if<runners::ExitSignal>(&reason)) return 128 + signal->signal;
  return std::holds_alternative<runners::ExitTimeout>(reason) ? 124 : 0;
}

}  // namespace

Result<void> SimulatedRun::Node::Launch(std::vector<runners::LaunchSpec> batch) {
  std::erase_if(batch, [&](const runners::LaunchSpec& spec) {
    const auto found = live_.find(spec.key);
    if (found == live_.end() || !std::exchange(found->second.found, false)) return false;
    Announce(spec.key, std::max(found->second.end, sim_.clock_.Now()));
    return true;
  });
  if (batch.empty()) return {};
  sim_.crash_.Tick();
  if (sim_.scenario_.refusals && sim_.Draw(10) == 0) {
    for (const auto& spec : batch) ++sim_.causes_[spec.key.task].infrastructure;
    return Error::Environment("the connection broke");
  }
  std::erase_if(batch, [this](const runners::LaunchSpec& spec) {
    return Refuses(spec) || FindsOtherFiles(spec);
  });
  for (runners::LaunchSpec& spec : batch) {
    sim_.Trace(fmt::format("launch {} #{}", spec.key.task.index(), spec.key.attempt.value));
    sim_.CheckLaunch(spec);
    const runners::AttemptKey key = spec.key;
    Attempt attempt;
    attempt.spec = std::move(spec);
    live_.emplace(key, std::move(attempt));
    ++sim_.counts_.attempts;
    Script(key);
    sim_.crash_.Tick();
  }
  return {};
}

// After a while, the files that only the node has: the same whenever somebody asks.
void SimulatedRun::Node::Look(runners::LookRequest request) {
  sim_.crash_.Tick();
  sim_.Trace(fmt::format("look {} {}", request.task.index(), request.pattern));
  ++sim_.counts_.looks;
  const Instant when = sim_.clock_.Now() + sim_.Delay();
  const runners::RemoteFile file{
      request.pattern, "/" + request.pattern, {}, Sha256::Of(request.pattern)};
  sim_.post_.Send(when,
                  Message(runners::FilesLooked{request.node, request.pattern, std::vector{file}}));
}

// One of a batch that the node does not take is reported alone.
bool SimulatedRun::Node::Refuses(const runners::LaunchSpec& spec) {
  if (!sim_.scenario_.refusals || sim_.Draw(20) != 0) return false;
  ++sim_.causes_[spec.key.task].infrastructure;
  const Error full = Error::Environment("the node is full");
  sim_.post_.Send(sim_.clock_.Now(), Message(runners::AttemptLost{spec.key, full}));
  return true;
}

// A far node is sent the files that the key tells of, or nothing.
bool SimulatedRun::Node::FindsOtherFiles(const runners::LaunchSpec& spec) {
  if (!sim_.scenario_.survivors) return false;
  ReadFiles(spec);
  std::vector<Digest> wanted;
  for (const runners::FileSet& set : spec.files) {
    if (!set.in_place) wanted.push_back(set.files.at(0).digest);
  }
  if (read_[spec.key] == wanted) return false;
  const Error other = Error::Environment("an input file changed while it was sent");
  sim_.post_.Send(sim_.clock_.Now(), Message(runners::AttemptLost{spec.key, other}));
  return true;
}

void SimulatedRun::Node::ReadFiles(const runners::LaunchSpec& spec) {
  std::vector<Digest>& read = read_[spec.key];
  read.clear();
  for (const runners::FileSet& set : spec.files) {
    if (!set.in_place) read.push_back(HashFile(set.files.at(0).path).value());
  }
}

void SimulatedRun::Node::Kill(runners::AttemptKey key, runners::KillMode mode) {
  sim_.crash_.Tick();
  const auto found = live_.find(key);
  sim_.Trace(fmt::format("kill {} #{}", key.task.index(), key.attempt.value));
  if (found == live_.end()) return;
  ++sim_.causes_[key.task].infrastructure;  // unless the run is being cancelled
  if (mode == runners::KillMode::kKill) {
    live_.erase(found);
    return sim_.post_.Send(sim_.clock_.Now(), Message(Exit(key, runners::ExitKilled{})));
  }
  found->second.reason = runners::ExitKilled{};
  const Duration grace = found->second.hangs ? found->second.spec.grace : sim_.Delay();
  Announce(key, sim_.clock_.Now() + grace);
}

Result<runners::AttemptStatus> SimulatedRun::Node::Find(runners::AttemptKey key) {
  sim_.crash_.Tick();
  if (const auto ended = ended_.find(key); ended != ended_.end()) {
    ++sim_.counts_.adopted;
    return runners::AttemptStatus(ended->second);
  }
  const auto found = live_.find(key);
  if (found != live_.end() && !found->second.orphan) {
    ++sim_.counts_.adopted;
    found->second.found = true;
    return runners::AttemptStatus(runners::AttemptRunning{7});
  }
  // Unknown is a promise: nothing of it is left, nor of any other orphan.
  std::erase_if(live_, [](const auto& one) { return one.second.orphan; });
  return runners::AttemptStatus(runners::AttemptUnknown{});
}

void SimulatedRun::Node::HeadDied(bool power) {
  const bool survive = sim_.scenario_.survivors && !power;
  if (survive) return;
  for (auto it = live_.begin(); it != live_.end();) {
    const bool dies = power || sim_.Draw(2) == 0;
    if (dies && sim_.Draw(2) == 0) WriteOutputs(it->second, /*whole=*/false);
    it->second.orphan = true;
    it = dies ? live_.erase(it) : std::next(it);
  }
  ended_.clear();
}

void SimulatedRun::Node::Script(const runners::AttemptKey& key) {
  Attempt& attempt = live_.at(key);
  const Instant start = sim_.clock_.Now() + sim_.Delay();
  attempt.end = start + sim_.Delay();
  ScriptEnd(attempt);
  if (sim_.Draw(4) != 0) sim_.post_.Send(start, Message(runners::AttemptStarted{key, 7}));
  Announce(key, attempt.end);
  if (sim_.scenario_.echoes) Echo(key, attempt.end);
  if (!sim_.scenario_.lost_replies || attempt.lost || sim_.Draw(10) != 0) return;
  ++sim_.counts_.given_up;
  ++sim_.causes_[key.task].infrastructure;
  sim_.post_.Do(sim_.clock_.Now(), [this, key]() -> std::optional<Message> {
    const auto found = live_.find(key);
    if (found == live_.end()) return std::nullopt;
    found->second.given_up = true;
    return Message(runners::AttemptLost{key, Error::Environment("the node is unreachable")});
  });
}

void SimulatedRun::Node::ScriptEnd(Attempt& attempt) {
  Causes& causes = sim_.causes_[attempt.spec.key.task];
  attempt.lost = sim_.scenario_.losses && sim_.Draw(8) == 0;
  attempt.hangs = sim_.scenario_.hangs && sim_.Draw(10) == 0;
  attempt.reason = Reason();
  if (attempt.hangs) {
    ++sim_.counts_.hangs;
    attempt.end = attempt.end + Duration::Seconds(3600);
    attempt.reason = runners::ExitTimeout{};
  } else if (!HasInputs(attempt)) {
    ++sim_.counts_.lost_inputs;
    ++causes.infrastructure;
    ++causes.robbed;
    // What a step makes of it is its own affair.
    const Error error =
        sim_.Draw(2) == 0 ? Error::Environment("cannot read an input") : Error::Task("exit 1");
    attempt.reason = runners::ExitFailure{error, 1};
    return;
  }
  causes.infrastructure += attempt.lost ? 1 : 0;
  const int code = CodeOf(attempt.reason);
  if (code == 0) return;
  const auto& listed = sim_.pipeline_.tasks[attempt.spec.key.task].retry.on_exit_codes;
  const bool repeated = listed.empty() || std::ranges::find(listed, code) != listed.end();
  ++(code == 2 || !repeated ? causes.final : causes.task);
}

// Messages that come twice, or late.
void SimulatedRun::Node::Echo(const runners::AttemptKey& key, Instant end) {
  const auto later = [&] { return end + sim_.Delay(); };
  if (sim_.Draw(3) == 0) sim_.post_.Send(later(), Message(Exit(key, runners::ExitSuccess{})));
  if (sim_.Draw(3) == 0) sim_.post_.Send(later(), Message(runners::AttemptStarted{key, 8}));
  if (sim_.Draw(3) == 0) {
    const Error news = Error::Environment("late news");
    sim_.post_.Send(later(), Message(runners::AttemptLost{key, news}));
  }
}

void SimulatedRun::Node::Announce(const runners::AttemptKey& key, Instant when) {
  sim_.post_.Do(when, [this, key] { return End(key); });
}

std::optional<Message> SimulatedRun::Node::End(const runners::AttemptKey& key) {
  const auto found = live_.find(key);
  if (found == live_.end() || found->second.orphan) return std::nullopt;
  const Attempt attempt = std::move(found->second);
  live_.erase(found);
  sim_.Trace(fmt::format("end {} #{}", key.task.index(), key.attempt.value));
  if (!sim_.scenario_.survivors) ReadFiles(attempt.spec);  // where they are
  const bool good = !attempt.lost && std::holds_alternative<runners::ExitSuccess>(attempt.reason);
  WriteOutputs(attempt, good);
  if (attempt.lost) {
    return Message(runners::AttemptLost{key, Error::Environment("the worker vanished")});
  }
  if (good) succeeded_.insert(key);
  runners::AttemptExited exited = Exit(key, attempt.reason);
  if (sim_.scenario_.survivors) ended_.emplace(key, exited);
  return Message(std::move(exited));
}

// What a task writes follows from its parameters and inputs; an unfinished attempt leaves a part.
void SimulatedRun::Node::WriteOutputs(const Attempt& attempt, bool whole) {
  std::string text;
  for (const auto& step : std::get<std::vector<runners::NativeStep>>(attempt.spec.work)) {
    text += step.params.dump() + "\n";
    if (!sim_.scenario_.unsteady || !step.params.contains("unsteady")) continue;
    text += fmt::format("attempt {}\n", attempt.spec.key.attempt.value);
  }
  for (const Artifact& input : attempt.spec.inputs) text += input.digest.Hex() + "\n";
  if (!whole) text.resize(text.size() / 2);
  for (const PortSpec& port : attempt.spec.outputs) {
    sim_.disk_.Write(fmt::format("{}/out/{}/part-0", attempt.spec.attempt_dir, port.name), text);
  }
}

runners::ExitReason SimulatedRun::Node::Reason() {
  if (!sim_.scenario_.failures) return runners::ExitSuccess{};
  switch (sim_.Draw(16)) {
    case 0:
      return runners::ExitFailure{Error::Task("exit 1"), 1};
    case 1:
      return runners::ExitFailure{Error::Invalid("bad row"), 2};
    case 2:
      return runners::ExitSignal{9, true};
    case 3:
      return runners::ExitTimeout{};
    default:
      return runners::ExitSuccess{};
  }
}

bool SimulatedRun::Node::HasInputs(const Attempt& attempt) const {
  return std::ranges::all_of(attempt.spec.inputs, [&](const Artifact& input) {
    return std::ranges::all_of(input.files,
                               [&](const ArtifactFile& file) { return sim_.disk_.Has(file.path); });
  });
}

runners::AttemptExited SimulatedRun::Node::Exit(const runners::AttemptKey& key,
                                                runners::ExitReason reason) const {
  runners::AttemptExited exit{key, std::move(reason), Json::object(), {}, {}};
  exit.metrics = {{"n", key.task.index()}};
  return exit;
}

}  // namespace dml::engine
