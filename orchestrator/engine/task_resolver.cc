#include "orchestrator/engine/task_resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "orchestrator/engine/absent_metric.h"

namespace dml::engine {

namespace {

using pipelines::TaskDecl;

// "cv.roc_auc" in nested objects; a key that itself holds dots is found as well.
const Json* FindMetric(const Json& metrics, const std::string& path) {
  if (!metrics.is_object()) return nullptr;
  if (const auto whole = metrics.find(path); whole != metrics.end()) return &*whole;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', dot + 1)) {
    const auto part = metrics.find(path.substr(0, dot));
    if (part == metrics.end()) continue;
    if (const Json* found = FindMetric(*part, path.substr(dot + 1))) return found;
  }
  return nullptr;
}

pipelines::MetricLookup LookupIn(const Upstream& upstream) {
  return [&upstream](const pipelines::MetricReference& reference) -> std::optional<Json> {
    const auto& result = upstream.results[reference.task];
    const Json* found = result ? FindMetric(result->metrics, reference.path) : nullptr;
    return found == nullptr ? std::nullopt : std::optional<Json>(*found);
  };
}

// For the log, where `dml explain` finds it when the run is over.
std::string InOneLine(const std::vector<std::string>& changes) {
  constexpr std::size_t kToldMax = 20;
  const std::size_t shown = std::min(changes.size(), kToldMax);
  std::string text = changes.front();
  for (std::size_t i = 1; i < shown; ++i) text += "; " + changes[i];
  if (changes.size() > shown) text += fmt::format("; and {} more", changes.size() - shown);
  return text;
}

// ", 3 rows added", if both results count their rows and these differ.
std::string RowsChange(const Json& before, const Json& after) {
  const Json* old_rows = FindMetric(before, "rows");
  const Json* new_rows = FindMetric(after, "rows");
  if (old_rows == nullptr || new_rows == nullptr || !old_rows->is_number() ||
      !new_rows->is_number()) {
    return {};
  }
  const auto more = new_rows->get<std::int64_t>() - old_rows->get<std::int64_t>();
  if (more == 0) return {};
  const std::int64_t count = more < 0 ? -more : more;
  return fmt::format(", {} {} {}", count, count == 1 ? "row" : "rows",
                     more > 0 ? "added" : "removed");
}

std::string PlaceOf(const pipelines::Location& where) {
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::vector<Artifact> InputsOf(const TaskDecl& decl, const Upstream& upstream) {
  std::vector<Artifact> inputs;
  for (const pipelines::InputEdge& edge : decl.inputs) {
    const auto& result = upstream.results[edge.producer];
    if (!result) continue;  // a producer that failed, for a task that runs all the same
    for (const Artifact& output : result->outputs) {
      if (output.port != edge.output) continue;
      inputs.push_back(output);
      inputs.back().port = edge.port;
    }
  }
  return inputs;
}

// The error of filling in values, with the near names of a metric that was not reported.
Error Explained(Error error, const TaskDecl& decl, const Upstream& upstream) {
  const pipelines::MetricLookup find = LookupIn(upstream);
  for (const pipelines::MetricReference& reference : decl.metric_references) {
    Error absent = AbsentMetric(reference, upstream.results[reference.task]);
    if (find(reference) || !upstream.results[reference.task] || absent.message != error.message) {
      continue;
    }
    error.hint = std::move(absent.hint);
  }
  return error;
}

// Environment variables and files that are named at run time are secrets.
pipelines::DeferredSources RealSources(const Upstream& upstream) {
  const auto env = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return {LookupIn(upstream), env, ReadFile};
}

// For the key: secrets count by name alone, since a stored hash of one could be guessed.
pipelines::DeferredSources KeySources(const Upstream& upstream) {
  const auto env = [](const std::string& name) { return std::optional("(secret " + name + ")"); };
  const auto file = [](const std::string& path) -> Result<std::string> {
    return "(secret " + path + ")";
  };
  return {LookupIn(upstream), env, file};
}

}  // namespace

Result<Verdict> TaskResolver::Resolve(TaskId unit, const Upstream& upstream) {
  DML_TRY(std::optional<std::string> skip, WhySkip(unit, upstream));
  if (skip) return Verdict(MustSkip{std::move(*skip)});
  DML_TRY(PreparedTask task, Prepare(unit, upstream));
  DML_TRY(std::optional<std::string> unhashed, ComputeKey(task, upstream));
  if (unhashed) return Verdict(MustHash{std::move(*unhashed)});
  if (const std::string why = WhyAlone(unit); !why.empty()) {
    task.alone = true;
    return Verdict(MustRun{std::move(task), why});
  }
  DML_TRY(std::optional<state::TaskResult> known, parts_.store.FindResult(task.key));
  if (known && parts_.artifacts.Holds(known->outputs)) {
    parts_.artifacts.Locate(known->outputs);
    return Verdict(MayReuse{std::move(*known)});
  }
  if (known) return Verdict(MustRun{std::move(task), "its outputs are no longer in the store"});
  DML_TRY(std::vector<std::string> changes, WhyChanged(task, upstream));
  std::string reason = InOneLine(changes);
  return Verdict(MustRun{std::move(task), std::move(reason), std::move(changes)});
}

bool TaskResolver::IsKnown(const Digest& key) {
  const auto known = parts_.store.FindResult(key);
  return known.ok() && *known && parts_.artifacts.Holds((*known)->outputs);
}

std::string TaskResolver::WhyAlone(TaskId unit) const {
  const std::vector<TaskId>& members = parts_.fusion.members[unit];
  if (!parts_.pipeline.tasks[members.back()].cache) return "cache: false";
  if (parts_.no_cache) return "--no-cache";
  const bool forced =
      std::ranges::any_of(members, [&](TaskId one) { return parts_.selection.forced[one]; });
  return forced ? "forced" : "";
}

Result<std::optional<std::string>> TaskResolver::WhySkip(TaskId unit,
                                                         const Upstream& upstream) const {
  const TaskDecl& decl = parts_.pipeline.tasks[unit];
  if (decl.never) return std::optional<std::string>("its if: is false");
  if (!decl.condition) return std::optional<std::string>();
  pipelines::UpstreamStatus status;
  for (const TaskId producer : parts_.graph.producers(unit)) {
    const core::TaskState state = upstream.states[producer];
    status.all_succeeded &= core::HasOutputs(state);
    status.any_failed |= state == core::TaskState::kFailed;
  }
  std::optional<pipelines::MetricReference> absent;
  const pipelines::MetricLookup lookup =
      [&, find = LookupIn(upstream)](const pipelines::MetricReference& reference) {
        auto value = find(reference);
        if (!value || value->is_null()) absent = reference;
        return value;
      };
  const Result<bool> wanted = pipelines::EvaluateCondition(decl, status, lookup);
  if (!wanted.ok()) {
    if (!absent) return wanted.error();
    return AbsentMetric(*absent, upstream.results[absent->task]).At(wanted.error().where);
  }
  if (*wanted) return std::optional<std::string>();
  return std::optional<std::string>(fmt::format("if: {} is false", decl.condition->text));
}

Result<PreparedTask> TaskResolver::Prepare(TaskId unit, const Upstream& upstream) const {
  PreparedTask task;
  for (const TaskId member : parts_.fusion.members[unit]) {
    task.members.push_back(&parts_.pipeline.tasks[member]);
  }
  const TaskDecl& first = *task.members.front();
  if (!first.deferred.empty()) {
    auto filled = pipelines::FillDeferred(first, RealSources(upstream));
    if (!filled.ok()) return Explained(std::move(filled).error(), first, upstream);
    task.filled = std::move(filled).value();
  }
  task.inputs = InputsOf(first, upstream);
  return task;
}

// The path of a file that is to be hashed first, if there is one.
Result<std::optional<std::string>> TaskResolver::ComputeKey(PreparedTask& task,
                                                            const Upstream& upstream) {
  core::KeyParts key;
  for (const Artifact& input : task.inputs) key.inputs.emplace_back(input.port, input.digest);
  key.env = &task.env();
  for (std::size_t i = 0; i < task.members.size(); ++i) {
    key.parts.push_back({&task.work(i), {}});
    DML_TRY(std::optional<std::string> unhashed, AddPart(*task.members[i], task, key.parts.back()));
    if (unhashed) return unhashed;
  }
  pipelines::FilledTask masked;
  if (task.filled && !task.filled->secrets.empty()) {
    DML_TRY(masked, pipelines::FillDeferred(task.decl(), KeySources(upstream)));
    key.parts.front().work = &masked.work;
    key.env = &masked.env;
  }
  std::map<std::string, std::string> env;
  if (!task.decl().secret_env.empty()) {
    env = *key.env;
    for (const std::string& name : task.decl().secret_env) {
      if (const auto it = env.find(name); it != env.end()) it->second = "(secret)";
    }
    key.env = &env;
  }
  task.fields = core::KeyFields(key);
  task.key = core::KeyOf(task.fields);
  task.fields = core::WithSeenFiles(std::move(task.fields), key);
  return std::optional<std::string>();
}

Result<std::optional<std::string>> TaskResolver::AddPart(const TaskDecl& decl, PreparedTask& task,
                                                         core::KeyParts::Part& part) {
  for (const pipelines::FileInput& file : decl.files) {
    auto added =
        AddFiles(file, std::holds_alternative<pipelines::CommandWork>(decl.work), task, part);
    if (!added.ok()) return std::move(added).error().At(PlaceOf(file.where));
    if (*added) return added;
  }
  return std::optional<std::string>();
}

// `code`: of a command; else the value of a parameter.
Result<std::optional<std::string>> TaskResolver::AddFiles(const pipelines::FileInput& file,
                                                          bool code, PreparedTask& task,
                                                          core::KeyParts::Part& part) {
  DML_TRY(const std::vector<std::string> paths, ExpandGlob(file.pattern));
  runners::FileSet set{file.pattern, {}};
  core::SeenFiles seen{ShownName(file.pattern), {}};
  Fingerprint all;
  std::optional<Digest> digest;
  for (const std::string& path : paths) {
    DML_TRY(digest, parts_.files.Find(path));
    if (!digest) return std::optional<std::string>(path);
    all.Add("file", *digest);
    set.files.push_back({NameOf(path), path, 0, *digest});
    if (code) {
      part.code.emplace(CodeName(path), *digest);
    } else if (paths.size() <= core::SeenFiles::kMax) {
      seen.files.emplace(ShownName(path), *digest);
    }
  }
  task.files.push_back(std::move(set));
  if (code) return std::optional<std::string>();
  if (paths.size() > 1) digest = all.Finish();
  part.files.emplace(file.param, *digest);
  if (paths.size() <= core::SeenFiles::kMax) part.seen.emplace(file.param, std::move(seen));
  return std::optional<std::string>();
}

// From the folder of the pipeline, if need be upwards: it moves with the files.
std::string TaskResolver::CodeName(const std::string& path) const {
  const std::filesystem::path plain = std::filesystem::path(path).lexically_normal();
  return plain.lexically_relative(parts_.pipeline.directory).string();
}

// For people: as CodeName() below that folder, else in full.
std::string TaskResolver::ShownName(const std::string& path) const {
  std::string name = CodeName(path);
  return name.empty() || name.starts_with("..") ? path : name;
}

std::string TaskResolver::NameOf(const std::string& path) const {
  const std::string folder = parts_.pipeline.directory + "/";
  const std::string plain = std::filesystem::path(path).lexically_normal().string();
  return plain.starts_with(folder) ? plain.substr(folder.size())
                                   : plain.substr(plain.find_last_of('/') + 1);
}

Result<std::optional<state::TaskResult>> TaskResolver::LastResult(const std::string& task) {
  // A run of a part of the pipeline has results of that part alone: older ones have the rest.
  constexpr int kRunsMax = 5;
  while (!last_keys_.contains(task) && runs_looked_at_ < kRunsMax) {
    ++runs_looked_at_;
    DML_TRY(auto older, parts_.store.LastKeys(parts_.pipeline.file, keys_since_.value_or(run_)));
    if (older.run.value == 0) runs_looked_at_ = kRunsMax;
    keys_since_ = older.run;
    last_keys_.merge(older.keys);
  }
  const auto last = last_keys_.find(task);
  if (last == last_keys_.end()) return std::optional<state::TaskResult>();
  return parts_.store.FindResult(last->second);
}

Result<std::vector<std::string>> TaskResolver::WhyChanged(const PreparedTask& task,
                                                          const Upstream& upstream) {
  DML_TRY(const std::optional<state::TaskResult> before, LastResult(task.decl().name));
  if (!before) {
    const bool known = last_keys_.contains(task.decl().name);
    return std::vector<std::string>{known ? "its earlier result was removed" : "no earlier result"};
  }
  std::vector<std::string> changes;
  std::vector<std::string> members;
  for (const TaskDecl* member : task.members) members.push_back(member->name);
  for (const core::KeyChange& change : core::KeyChanges(before->fields, task.fields, members)) {
    switch (change.kind) {
      case core::KeyChange::Kind::kValue:
      case core::KeyChange::Kind::kFile:
        changes.push_back(change.text);
        break;
      case core::KeyChange::Kind::kInput: {
        DML_TRY(std::string text, InputChange(task, before->fields, change.name, upstream));
        changes.push_back(std::move(text));
        break;
      }
    }
  }
  if (changes.empty()) changes.emplace_back("its earlier result was removed");
  return changes;
}

// Which producer, why it ran, and what came of it: "input raw: file a.csv changed, 3 rows added".
Result<std::string> TaskResolver::InputChange(const PreparedTask& task, const std::string& before,
                                              const std::string& port, const Upstream& upstream) {
  const TaskDecl& first = *task.members.front();
  const Json fields = core::ParseKeyFields(before);
  const Json old_inputs = fields.value("inputs", Json::object()).value(port, Json::array());
  std::size_t position = 0;
  for (const pipelines::InputEdge& edge : first.inputs) {
    if (edge.port != port) continue;
    const auto& now = upstream.results[edge.producer];
    if (!now) continue;
    const std::size_t at = position++;
    const auto output = std::ranges::find(now->outputs, edge.output, &Artifact::port);
    const bool same = output != now->outputs.end() && at < old_inputs.size() &&
                      old_inputs[at] == output->digest.Hex();
    if (same) continue;
    const std::string& name = parts_.pipeline.tasks[edge.producer].name;
    std::string why = "another result";
    if (upstream.reasons != nullptr && !(*upstream.reasons)[edge.producer].empty()) {
      why = (*upstream.reasons)[edge.producer];
    }
    DML_TRY(const std::optional<state::TaskResult> last, LastResult(name));
    return fmt::format("input {}: {}{}", name, why,
                       last ? RowsChange(last->metrics, now->metrics) : "");
  }
  return fmt::format("input {} changed", port);
}

}  // namespace dml::engine
