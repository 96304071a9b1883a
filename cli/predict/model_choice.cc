#include "cli/predict/model_choice.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/inspect/runs.h"

namespace dml::cli {

namespace fs = std::filesystem;

namespace {

ArtifactFile FileOf(const fs::path& path) {
  std::error_code ignored;
  ArtifactFile file;
  file.name = path.filename().string();
  file.path = fs::absolute(path, ignored).string();
  file.size = static_cast<std::int64_t>(fs::file_size(path, ignored));
  return file;
}

// What `dml cache gc`, `dml cache verify` or somebody by hand has removed.
Result<void> CheckFilesAreThere(const Artifact& model, const std::string& task) {
  for (const ArtifactFile& file : model.files) {
    std::error_code problem;
    if (fs::exists(file.path, problem)) continue;
    return Error::Environment(
        "the model of '" + task + "' is gone from the store: there is no '" + file.path + "'",
        "`dml run` makes it again");
  }
  return {};
}

Result<Artifact> ModelOfTask(const std::string& name, const std::string& home) {
  const std::size_t slash = name.find('/');
  const std::string run = slash == std::string::npos ? "" : name.substr(0, slash);
  DML_TRY(OpenedRun opened, OpenRun(home, run));
  DML_TRY(const std::vector<state::TaskView> tasks, opened.view.Tasks(opened.run.id));
  DML_TRY(const state::TaskView task,
          FindTask(tasks, slash == std::string::npos ? name : name.substr(slash + 1)));
  if (!task.result) {
    return Error::Invalid("the task '" + task.name + "' has no result: it is " +
                          std::string(core::TaskStateName(task.state)));
  }
  for (const Artifact& output : task.result->outputs) {
    if (output.kind != PortKind::kModel) continue;
    DML_RETURN_IF_ERROR(CheckFilesAreThere(output, task.name));
    return output;
  }
  return Error::Invalid("the task '" + task.name + "' makes no model");
}

}  // namespace

Result<Artifact> ArtifactOfFolder(const std::string& folder, const std::string& port,
                                  PortKind kind) {
  Artifact artifact;
  artifact.port = port;
  artifact.kind = kind;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (entry.is_regular_file(problem)) artifact.files.push_back(FileOf(entry.path()));
  }
  if (problem) return Error::System("cannot read '" + folder + "'", problem.value());
  if (artifact.files.empty()) return Error::Invalid("there are no files in '" + folder + "'");
  std::sort(artifact.files.begin(), artifact.files.end(),
            [](const ArtifactFile& a, const ArtifactFile& b) { return a.name < b.name; });
  return artifact;
}

Result<Artifact> ChooseModel(const std::string& name, const std::string& home) {
  std::error_code problem;
  if (fs::is_directory(name, problem)) return ArtifactOfFolder(name, "model", PortKind::kModel);
  if (fs::is_regular_file(name, problem)) {
    Artifact artifact;
    artifact.port = "model";
    artifact.kind = PortKind::kModel;
    artifact.files = {FileOf(name)};
    return artifact;
  }
  Result<Artifact> found = ModelOfTask(name, home);
  if (found.ok() || found.error().kind != ErrorKind::kInvalid) return found;
  Error error = std::move(found).error();
  if (name.find('/') == std::string::npos) {
    const bool question = error.hint.ends_with('?');
    error.hint += error.hint.empty() ? "name" : question ? " Or name" : "; or name";
    error.hint += " a model file, or a task of another run as RUN/TASK (`dml ls` lists the runs)";
  }
  return std::move(error).Within("no model '" + name + "'");
}

}  // namespace dml::cli
