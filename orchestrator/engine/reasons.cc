#include "orchestrator/engine/reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include "orchestrator/core/fingerprint.h"
#include "orchestrator/core/list_change.h"
#include "orchestrator/engine/task_resolver.h"

namespace dml::engine {

namespace {

// A run of a part of the pipeline has results of that part alone: older ones have the rest.
constexpr std::size_t kRunsMax = 5;

// ", 3 rows added", if both results count their rows and these differ.
std::string RowsChange(const Json& before, const Json& after) {
  if (!before.is_object() || !after.is_object()) return {};
  const Json old_rows = before.value("rows", Json());
  const Json new_rows = after.value("rows", Json());
  if (!old_rows.is_number() || !new_rows.is_number()) return {};
  const auto more = new_rows.get<std::int64_t>() - old_rows.get<std::int64_t>();
  if (more == 0) return {};
  const std::int64_t count = more < 0 ? -more : more;
  return fmt::format(", {} {} {}", count, count == 1 ? "row" : "rows",
                     more > 0 ? "added" : "removed");
}

// The artifact that an input is; empty if it is not there.
std::string DigestOf(const state::TaskResult& result, const std::string& output) {
  const auto found = std::ranges::find(result.outputs, output, &Artifact::port);
  return found == result.outputs.end() ? std::string() : found->digest.Hex();
}

// The artifacts of a port, of old, as the key has them.
std::vector<std::string> ListedIn(const std::string& fields, const std::string& port) {
  std::vector<std::string> digests;
  const Json inputs = core::ParseKeyFields(fields).value("inputs", Json::object());
  for (const Json& one : inputs.value(port, Json::array())) {
    if (one.is_string()) digests.push_back(one.get<std::string>());
  }
  return digests;
}

}  // namespace

std::size_t Reasons::ByFirstBytes::operator()(const Digest& digest) const {
  std::size_t first = 0;
  std::memcpy(&first, digest.bytes.data(), sizeof first);
  return first;
}

std::string InOneLine(const std::vector<std::string>& changes) {
  constexpr std::size_t kToldMax = 20;
  const std::size_t shown = std::min(changes.size(), kToldMax);
  std::string text = changes.front();
  for (std::size_t i = 1; i < shown; ++i) text += "; " + changes[i];
  if (changes.size() > shown) text += fmt::format("; and {} more", changes.size() - shown);
  return text;
}

Result<bool> Reasons::LoadOlder() {
  if (no_older_ || earlier_.size() == kRunsMax) return false;
  const RunId before = earlier_.empty() ? run_ : earlier_.back().run;
  DML_TRY(auto older, store_.LastKeys(pipeline_.file, before));
  no_older_ = older.run.value == 0;
  if (no_older_) return false;
  earlier_.push_back(std::move(older));
  return true;
}

Result<std::optional<Reasons::Last>> Reasons::FindLast(const std::string& task) {
  for (std::size_t run = 0;; ++run) {
    if (run == earlier_.size()) {
      DML_TRY(const bool loaded, LoadOlder());
      if (!loaded) return std::optional<Last>();
    }
    const auto& keys = earlier_[run].keys;
    if (const auto it = keys.find(task); it != keys.end())
      return std::optional(Last{run, it->second});
  }
}

Result<std::optional<state::TaskResult>> Reasons::ResultIn(std::size_t run,
                                                           const std::string& task) {
  const auto& keys = earlier_[run].keys;
  const auto it = keys.find(task);
  if (it == keys.end()) return std::optional<state::TaskResult>();
  return store_.FindResult(it->second);
}

// The task that had this key in the newest of the earlier runs that any had.
const std::string* Reasons::WhoHad(const Digest& key) {
  for (; had_by_runs_ < earlier_.size(); ++had_by_runs_) {
    for (const auto& [task, one] : earlier_[had_by_runs_].keys) had_by_.try_emplace(one, &task);
  }
  const auto found = had_by_.find(key);
  return found == had_by_.end() ? nullptr : found->second;
}

Result<std::string> Reasons::OfReuse(TaskId unit, const state::TaskResult& result) {
  const std::string& name = pipeline_.tasks[unit].name;
  DML_TRY(const std::optional<Last> last, FindLast(name));
  if (last && last->key == result.key) return std::string("unchanged");
  if (const auto here = made_here_.find(result.key);
      here != made_here_.end() && here->second != unit) {
    return "the same work as " + pipeline_.tasks[here->second].name;
  }
  if (last) return std::string("unchanged");  // since a run before the last
  if (const std::string* const other = WhoHad(result.key)) {
    return fmt::format("the same work as {} of an earlier run", *other);
  }
  return std::string(result.foreign ? "made in another home that shares the store" : "unchanged");
}

Result<std::vector<std::string>> Reasons::OfRunning(const PreparedTask& task,
                                                    const Upstream& upstream) {
  DML_TRY(const std::optional<Last> last, FindLast(task.decl().name));
  return last ? ChangesSince(*last, task, upstream) : OfNewcomer(task, upstream);
}

// Of a task that no earlier run has a result of under its name, though maybe of its step.
Result<std::vector<std::string>> Reasons::OfNewcomer(const PreparedTask& task,
                                                     const Upstream& upstream) {
  using Texts = std::vector<std::string>;
  const std::string& step = task.decl().step;
  if (!earlier_steps_.contains(step)) {
    DML_TRY(earlier_steps_[step], LoadEarlier(step));
  }
  const EarlierStep& earlier = earlier_steps_[step];
  const auto found = earlier.kin.find(task.decl().name);
  if (found == earlier.kin.end()) return Texts{"no earlier result"};
  const core::Kin& kin = found->second;
  if (!kin.replaced) {
    const char* const where = kin.fresh.starts_with('[') ? "foreach" : "the matrix";
    return Texts{fmt::format("new in {}: {}", where, kin.fresh)};
  }
  const Last last{earlier.run, earlier_[earlier.run].keys.at(kin.name)};
  DML_TRY(Texts changes, ChangesSince(last, task, upstream));
  changes.front() = fmt::format("in place of {}: {}", kin.name, changes.front());
  return changes;
}

// Asked for when all earlier runs that count have been loaded. An instance that the run had, and
// has no result of, is not new: it failed there, or was not wanted.
Result<Reasons::EarlierStep> Reasons::LoadEarlier(const std::string& step) {
  EarlierStep earlier;
  const auto of_step = [&](const auto& result) { return core::StepOf(result.first) == step; };
  const auto has_it = [&](const auto& run) { return std::ranges::any_of(run.keys, of_step); };
  const auto found = std::ranges::find_if(earlier_, has_it);
  if (found == earlier_.end()) return earlier;
  earlier.run = static_cast<std::size_t>(found - earlier_.begin());
  DML_TRY(const state::RunSnapshot snapshot, store_.Load(found->run));
  std::vector<std::string> before;
  std::set<std::string> without_result;
  for (const state::StoredTask& task : snapshot.tasks) {
    if (task.step != step) continue;
    if (found->keys.contains(task.name)) {
      before.push_back(task.name);
    } else {
      without_result.insert(task.name);
    }
  }
  std::vector<std::string> now;
  for (const pipelines::TaskDecl& task : pipeline_.tasks) {
    if (task.step == step && !without_result.contains(task.name)) now.push_back(task.name);
  }
  earlier.kin = core::MatchInstances(before, now);
  return earlier;
}

// What differs from that result.
Result<std::vector<std::string>> Reasons::ChangesSince(const Last& last, const PreparedTask& task,
                                                       const Upstream& upstream) {
  using Texts = std::vector<std::string>;
  DML_TRY(const std::optional<state::TaskResult> before, store_.FindResult(last.key));
  if (!before) return Texts{"its earlier result was removed"};
  Texts changes;
  std::vector<std::string> members;
  for (const pipelines::TaskDecl* member : task.members) members.push_back(member->name);
  for (const core::KeyChange& change : core::KeyChanges(before->fields, task.fields, members)) {
    if (change.kind != core::KeyChange::Kind::kInput) {
      changes.push_back(change.text);
      continue;
    }
    DML_TRY(Texts inputs, InputChanges(task, last.run, before->fields, change.name, upstream));
    std::ranges::move(inputs, std::back_inserter(changes));
  }
  if (changes.empty()) {
    const bool own = !core::IsKeyOf(last.key, before->fields);
    changes.emplace_back(own ? "its earlier result is not for reuse"
                             : "its earlier result was removed");
  }
  return changes;
}

// "input raw: file a.csv changed, 3 rows added". What a port lists now, against what it listed in
// the earlier run: who made these is known by what its producers of today left there.
Result<std::vector<std::string>> Reasons::InputChanges(const PreparedTask& task, std::size_t run,
                                                       const std::string& fields,
                                                       const std::string& port,
                                                       const Upstream& upstream) {
  std::vector<const pipelines::InputEdge*> edges;
  std::vector<std::string> now;
  for (const pipelines::InputEdge& edge : task.members.front()->inputs) {
    const auto& result = upstream.results[edge.producer];
    if (edge.port != port || !result) continue;
    edges.push_back(&edge);
    now.push_back(DigestOf(*result, edge.output));
  }
  core::ListChange change = core::CompareLists(ListedIn(fields, port), now);
  std::vector<std::string> texts;
  for (const std::size_t at : change.fresh) {
    const pipelines::InputEdge& edge = *edges[at];
    const std::string& name = pipeline_.tasks[edge.producer].name;
    DML_TRY(const std::optional<state::TaskResult> before, ResultIn(run, name));
    const auto was =
        before ? std::ranges::find(change.gone, DigestOf(*before, edge.output)) : change.gone.end();
    if (was != change.gone.end()) {
      change.gone.erase(was);
      DML_TRY(const std::string why, ProducerChange(edge.producer, *before, upstream));
      texts.push_back(fmt::format("input {}: {}", name, why));
    } else if (!before && earlier_[run].keys.contains(name)) {
      texts.push_back(fmt::format("input {}: another result", name));
      if (!change.gone.empty()) change.gone.pop_back();
    } else if (now.size() == 1 && change.gone.size() == 1) {
      texts.push_back(fmt::format("input {} is {} now", port, name));
      change.gone.clear();
    } else {
      texts.push_back(fmt::format("input {}: {} added", port, name));
    }
  }
  if (const std::size_t gone = change.gone.size(); gone > 0) {
    texts.push_back(fmt::format("input {}: {} of {} removed", port, gone, change.before));
  }
  if (texts.empty()) {
    texts.push_back(
        fmt::format("input {}{}", port, change.moved ? ": the same in another order" : " changed"));
  }
  return texts;
}

// Why a producer left something else than in an earlier run.
Result<std::string> Reasons::ProducerChange(TaskId producer, const state::TaskResult& before,
                                            const Upstream& upstream) {
  const state::TaskResult& now = *upstream.results[producer];
  const std::string rows = RowsChange(before.metrics, now.metrics);
  if (upstream.reasons != nullptr && !(*upstream.reasons)[producer].empty()) {
    return (*upstream.reasons)[producer] + rows;
  }
  // It was reused: another run has made this.
  DML_TRY(const std::optional<state::TaskResult> kept, store_.FindResult(now.key));
  std::vector<std::string> changes;
  if (kept) {
    for (core::KeyChange& change : core::KeyChanges(before.fields, kept->fields)) {
      changes.push_back(std::move(change.text));
    }
  }
  return (changes.empty() ? "another result" : InOneLine(changes)) + rows;
}

}  // namespace dml::engine
