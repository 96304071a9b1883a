#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "runners/api/remote_files.h"

namespace dml::runners {

// Names one attempt everywhere: the idempotency key of launches, the name of its folder, and the
// fence that keeps an old attempt from committing.
struct AttemptKey {
  RunId run;
  TaskId task;
  AttemptNumber attempt;
  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
};

// A registered step type with bound parameters. A fused task has several, each feeding the next.
struct NativeStep {
  std::string uses;
  Json params = Json::object();
};

struct Command {
  std::vector<std::string> argv;
  std::string work_dir;                        // the process starts here; created if missing
  std::map<std::string, std::string> outputs;  // port -> path relative to work_dir
  std::map<std::string, std::string> inputs;   // port -> path relative to work_dir to link at
  bool own_folder = false;  // start in work_dir even if nothing is declared to be there
  // Where it starts instead if nothing is: that of the pipeline. Empty: where the worker is.
  std::string pipeline_dir = {};
  // Of its processes, and of the folders that are made for it: that of whoever asked for the run,
  // so that what it leaves has the same modes wherever it runs.
  std::uint32_t umask = 022;
};

// Files that only one node has: the attempt runs there and reads them where they are. Whatever the
// step `step` of the attempt has at `param` becomes where they are; nobody else gets them.
struct InPlace {
  std::string node;
  std::uint32_t step = 0;
  std::string param;                   // JSON pointer into the parameters
  std::vector<FileStamp> stamps = {};  // of the files, in their order, when they were looked at
};

// Files outside the store that an attempt reads: what `pattern`, an absolute path or glob that
// stands in parameters or arguments, named when the key was computed. A node that does not share
// the head's disk gets the files by digest and sees them under paths of its own.
struct FileSet {
  std::string pattern;
  std::vector<ArtifactFile> files;  // `name`: relative to the folder of the pipeline where possible
  std::optional<InPlace> in_place = {};
};

// Everything a node needs for one attempt. Plain data; crosses processes and machines.
struct LaunchSpec {
  AttemptKey key;
  std::string task_name;
  std::variant<std::vector<NativeStep>, Command> work;
  std::vector<Artifact> inputs;  // grouped by port, in order
  std::vector<PortSpec> outputs;
  std::map<std::string, std::string> env;  // added to the node's environment
  std::vector<std::string> secrets;        // values in it to blot out of logs and reports
  std::string
      attempt_dir;  // private to the attempt, created on demand; outputs in <dir>/out/<port>/
  // Survives the attempts of a task and is removed when it has committed; made by whoever writes
  // there first. Commands find it as $DML_CHECKPOINT_DIR. Empty: none.
  std::string checkpoint_dir = {};
  std::string log_path;  // stdout and stderr, appended
  std::vector<FileSet> files;
  std::vector<std::string> labels;  // the node must carry all of them
  std::string record_path;          // where a worker notes how the attempt stands; empty: nowhere
  double cpus = 1;                  // what it takes of its node
  int threads = 1;                  // how many a native step may use
  std::int64_t memory_bytes = 0;    // 0: unlimited
  Duration timeout{0};              // 0: none
  Duration grace = Duration::Seconds(10);  // between TERM and KILL
};

// How an attempt ended, as a fact. Whether it is repeated is not a runner's business.
struct ExitSuccess {};
struct ExitFailure {
  Error error;
  int exit_code = 1;
  bool out_of_memory = false;  // as far as can be told
};
struct ExitSignal {
  int signal = 0;
  bool out_of_memory = false;
};
struct ExitTimeout {};
struct ExitKilled {};  // by Kill()
using ExitReason = std::variant<ExitSuccess, ExitFailure, ExitSignal, ExitTimeout, ExitKilled>;

struct ResourceUsage {
  Duration wall{0};
  Duration cpu{0};
  std::int64_t memory_bytes_max = 0;
};

// Events, posted from any thread to the sink; each attempt has at most one Started and exactly
// one Exited or Lost, in that order, unless the orchestrator dies first.
struct AttemptStarted {
  AttemptKey key;
  int pid = 0;
};
struct AttemptProgress {
  AttemptKey key;
  double fraction = 0;  // [0, 1]
  std::string note;
};
struct AttemptExited {
  AttemptKey key;
  ExitReason reason;
  Json metrics = Json::object();
  std::vector<std::string> warnings;
  ResourceUsage usage;
};
struct AttemptLost {  // the worker or the node vanished: infrastructure, not the task
  AttemptKey key;
  Error error;
};
using RunnerEvent = std::variant<AttemptStarted, AttemptProgress, AttemptExited, AttemptLost>;

// Where events go. Post() is called from runner threads and must not block for long.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Post(RunnerEvent event) = 0;
  // The answer of a RemoteFiles; dropped by whoever never asks one.
  virtual void PostLooked(FilesLooked answer) {
    [[maybe_unused]] const FilesLooked dropped = std::move(answer);
  }
};

// What a node offers.
struct Capacity {
  double cpus = 1;
  std::int64_t memory_bytes = 0;
};

enum class KillMode { kTerminate, kKill };

// What a node knows about an attempt: the question recovery asks.
struct AttemptUnknown {};
struct AttemptRunning {
  int pid = 0;
};
using AttemptStatus = std::variant<AttemptUnknown, AttemptRunning, AttemptExited>;

// Runs attempts on one node. Called from the run loop only; never blocks on a task.
class Runner {
 public:
  virtual ~Runner() = default;
  [[nodiscard]] virtual Capacity Total() const = 0;
  // Hands over a batch. An attempt that cannot be handed over is reported as lost or exited, alone;
  // an error means that none of the batch was taken. An attempt of an earlier process that Find()
  // said is running is taken up instead of begun: its events come to this runner's sink, and its
  // outputs and log to where its spec says.
  virtual Result<void> Launch(std::vector<LaunchSpec> batch) = 0;
  virtual void Kill(AttemptKey key, KillMode mode) = 0;
  [[nodiscard]] virtual Result<AttemptStatus> Find(AttemptKey key) = 0;
  // The outcome of an attempt is durable: what a node keeps for recovery may go.
  virtual void Release(AttemptKey) {}
  // How files are looked at that only nodes have; null where there are none but this machine. Lives
  // as long as the runner.
  [[nodiscard]] virtual RemoteFiles* Files() { return nullptr; }
  // Ends idle workers and waits until every process is gone.
  virtual void Shutdown() = 0;
};

}  // namespace dml::runners
