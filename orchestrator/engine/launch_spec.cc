#include "orchestrator/engine/launch_spec.h"

#include <algorithm>

#include "base/process.h"

namespace dml::engine {

namespace {

// A string that the user wrote as one line is for the shell, and only that.
std::vector<std::string> ArgvOf(const pipelines::CommandWork& work) {
  if (!work.shell) return work.argv;
  std::vector<std::string> argv{"/bin/sh", "-c"};
  argv.insert(argv.end(), work.argv.begin(), work.argv.end());
  return argv;
}

}  // namespace

runners::LaunchSpec MakeLaunchSpec(const PreparedTask& task, const runners::AttemptKey& key,
                                   const Home& home, const std::string& directory) {
  const pipelines::TaskDecl& decl = task.decl();
  runners::LaunchSpec spec;
  spec.key = key;
  spec.task_name = decl.name;
  spec.attempt_dir = home.AttemptPath(key.run, decl.name, key.attempt);
  spec.checkpoint_dir = home.CheckpointPath(task.key, key.run, key.task, task.alone);
  spec.log_path = home.LogPath(key.run, decl.name, key.attempt);
  if (const auto* command = std::get_if<pipelines::CommandWork>(&task.work(0))) {
    runners::Command work{ArgvOf(*command), spec.attempt_dir + "/" + task.work_folder,
                          command->outputs, command->inputs};
    work.pipeline_dir = directory;
    work.umask = FileMask();
    spec.work = std::move(work);
  } else {
    std::vector<runners::NativeStep> steps;
    for (std::size_t i = 0; i < task.members.size(); ++i) {
      const auto& native = std::get<pipelines::NativeWork>(task.work(i));
      steps.push_back({native.uses, native.params});
    }
    spec.work = std::move(steps);
  }
  spec.inputs = task.inputs;
  spec.outputs = decl.outputs;
  spec.files = task.files;
  spec.labels = decl.resources.labels;
  spec.env = task.env();
  if (task.filled) spec.secrets = task.filled->secrets;
  spec.cpus = decl.resources.cpus;
  spec.threads = std::max(1, static_cast<int>(decl.resources.cpus));
  spec.memory_bytes = decl.resources.memory_bytes;
  spec.timeout = decl.timeout;
  return spec;
}

}  // namespace dml::engine
