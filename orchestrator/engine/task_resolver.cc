#include "orchestrator/engine/task_resolver.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/expand_glob.h"
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

// "work", and in it as many of the last folders of `directory` as `code` leads upwards.
std::string WorkFolderFor(const std::string& directory, const std::string& code) {
  std::string below;
  std::filesystem::path rest = directory;
  for (const std::filesystem::path& part : std::filesystem::path(code)) {
    if (part != "..") break;
    below.insert(0, "/" + rest.filename().string());
    rest = rest.parent_path();
  }
  return "work" + below;
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
  DML_TRY(Open open, ComputeKey(task, upstream));
  if (open) return std::visit([](auto& one) { return Verdict(std::move(one)); }, *open);
  if (const std::string why = WhyAlone(unit); !why.empty()) {
    task.alone = true;
    reasons_.Note(unit, task.key);
    return Verdict(MustRun{std::move(task), why});
  }
  DML_TRY(std::optional<state::TaskResult> known, parts_.store.FindResult(task.key));
  const BlobState held = known ? parts_.artifacts.Look(known->outputs) : BlobState::kGone;
  if (held == BlobState::kWhole) {
    parts_.artifacts.Locate(known->outputs);
    DML_TRY(std::string reason, reasons_.OfReuse(unit, *known));
    reasons_.Note(unit, task.key);
    return Verdict(MayReuse{std::move(*known), std::move(reason)});
  }
  reasons_.Note(unit, task.key);
  // What another home made and lost says nothing about what this one made.
  if (known && !known->foreign) {
    return Verdict(MustRun{std::move(task), held == BlobState::kDamaged
                                                ? "its outputs in the store are damaged"
                                                : "its outputs are no longer in the store"});
  }
  DML_TRY(std::vector<std::string> changes, reasons_.OfRunning(task, upstream));
  std::string reason = InOneLine(changes);
  return Verdict(MustRun{std::move(task), std::move(reason), std::move(changes)});
}

Result<bool> TaskResolver::StillHolds(TaskId unit, const Upstream& upstream, const Digest& key) {
  DML_TRY(const std::optional<std::string> skip, WhySkip(unit, upstream));
  if (skip) return false;
  DML_TRY(PreparedTask task, Prepare(unit, upstream));
  DML_TRY(const Open open, ComputeKey(task, upstream));
  return !open && task.key == key;
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

Result<TaskResolver::Open> TaskResolver::ComputeKey(PreparedTask& task, const Upstream& upstream) {
  core::KeyParts key;
  for (const Artifact& input : task.inputs) key.inputs.emplace_back(input.port, input.digest);
  key.env = &task.env();
  for (std::size_t i = 0; i < task.members.size(); ++i) {
    key.parts.push_back({&task.work(i), {}});
    DML_TRY(Open open, AddPart(*task.members[i], i, task, key.parts.back()));
    if (open) return open;
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
  // Nobody else is to find what it leaves, an equal task of the same run neither.
  if (!task.decl().cache || parts_.no_cache) {
    task.key = core::KeyOf(fmt::format("{} r{} {}", task.key.Hex(), run_.value, task.decl().name));
  }
  task.fields = core::WithSeenFiles(std::move(task.fields), key);
  return Open();
}

// Of the member at `step`.
Result<TaskResolver::Open> TaskResolver::AddPart(const TaskDecl& decl, std::size_t step,
                                                 PreparedTask& task, core::KeyParts::Part& part) {
  const bool code = std::holds_alternative<pipelines::CommandWork>(decl.work);
  for (const pipelines::FileInput& file : decl.files) {
    auto added =
        file.node.empty() ? AddFiles(file, code, task, part) : AddNodeFiles(file, step, task, part);
    if (!added.ok()) return std::move(added).error().At(PlaceOf(file.where));
    if (*added) return added;
  }
  return Open();
}

// `code`: of a command; else the value of a parameter.
Result<TaskResolver::Open> TaskResolver::AddFiles(const pipelines::FileInput& file, bool code,
                                                  PreparedTask& task, core::KeyParts::Part& part) {
  DML_TRY(const std::vector<std::string> paths, ExpandGlob(file.pattern));
  runners::FileSet set{file.pattern, {}};
  core::SeenFiles seen{ShownName(file.pattern), {}};
  Fingerprint all;
  std::optional<Digest> digest;
  for (const std::string& path : paths) {
    DML_TRY(const std::optional<FileDigests::Known> known, parts_.files.Find(path));
    if (!known) return Open(MustHash{path});
    digest = known->digest;
    task.stamps.push_back(known->stamp);
    all.Add("file", *digest);
    std::string name = code ? CodeName(path) : NameOf(path);
    if (code) {
      part.code.emplace(name, *digest);
      std::string folder = WorkFolderFor(parts_.pipeline.directory, name);
      if (folder.size() > task.work_folder.size()) task.work_folder = std::move(folder);
    } else if (paths.size() <= core::SeenFiles::kMax) {
      seen.files.emplace(ShownName(path), *digest);
    }
    set.files.push_back({std::move(name), path, 0, *digest});
  }
  task.files.push_back(std::move(set));
  if (code) return Open();
  if (paths.size() > 1) digest = all.Finish();
  part.files.emplace(file.param, *digest);
  if (paths.size() <= core::SeenFiles::kMax) part.seen.emplace(file.param, std::move(seen));
  return Open();
}

// Of what only a node has: it counts by its content alone, as if it were here.
Result<TaskResolver::Open> TaskResolver::AddNodeFiles(const pipelines::FileInput& file,
                                                      std::size_t step, PreparedTask& task,
                                                      core::KeyParts::Part& part) {
  const NodeFiles::Found* looked = parts_.node_files.Find(file.node, file.pattern);
  if (looked == nullptr) return Open(MustLook{file.node, file.pattern});
  if (!looked->ok()) return looked->error();
  const std::vector<runners::RemoteFile>& found = looked->value();
  runners::InPlace place{file.node, static_cast<std::uint32_t>(step), "/" + file.param};
  runners::FileSet set{file.pattern, {}};
  core::SeenFiles seen{file.node + ":" + file.pattern, {}};
  Fingerprint all;
  for (const runners::RemoteFile& one : found) {
    all.Add("file", one.digest);
    set.files.push_back({one.name, one.path, one.stamp.size, one.digest});
    place.stamps.push_back(one.stamp);
    if (found.size() <= core::SeenFiles::kMax) {
      seen.files.emplace(file.node + ":" + one.name, one.digest);
    }
  }
  set.in_place = std::move(place);
  task.files.push_back(std::move(set));
  part.files.emplace(file.param, found.size() == 1 ? found.front().digest : all.Finish());
  if (found.size() <= core::SeenFiles::kMax) part.seen.emplace(file.param, std::move(seen));
  return Open();
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

}  // namespace dml::engine
