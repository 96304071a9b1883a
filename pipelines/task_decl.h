#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/step_spec.h"
#include "pipelines/yaml/location.h"

namespace dml::pipelines {

// When and how often a failed attempt is repeated: `limit` further attempts, waiting
// backoff * 2^k capped by max_interval, times a random factor in [1 - jitter, 1 + jitter]. An
// attempt that was lost with its worker or node counts against a budget of its own.
struct RetryPolicy {
  int limit = 0;
  int infrastructure_limit = 3;
  Duration backoff = Duration::Seconds(1);
  Duration max_interval = Duration::Seconds(300);
  double jitter = 0.1;
  std::vector<int> on_exit_codes;  // empty: any
  double memory_growth = 2.0;      // of the reservation, after running out of memory

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// What one attempt needs of its node.
struct Resources {
  double cpus = 1;
  std::int64_t memory_bytes = 0;  // 0: no reservation
  std::vector<std::string> labels;

  friend bool operator==(const Resources&, const Resources&) = default;
};

// A metric of another task, which exists only at run time: "${steps.best.metrics.C}".
struct MetricReference {
  TaskId task;
  std::string path;  // "cv.roc_auc"
  std::string step;  // "best", as the text says
};

// A native step: a registered type and its bound parameters (every default filled in).
struct NativeWork {
  std::string uses;
  int algorithm_version = 1;
  Json params = Json::object();
};

// An external command. Never passes a shell unless the user wrote one string.
struct CommandWork {
  std::vector<std::string> argv;
  bool shell = false;                          // argv[0] is a script for /bin/sh -c
  std::vector<std::string> code;               // declared code files, hashed into the key
  std::map<std::string, std::string> outputs;  // port name -> path relative to the work folder
  std::map<std::string, std::string> inputs;   // port name -> path it is linked to
  // What outputs are besides files, "table" or "model", by port: checked when the command has
  // ended.
  std::map<std::string, std::string> kinds = {};
};

using Work = std::variant<NativeWork, CommandWork>;

// Data flow: output `output` of `producer` arrives at input port `port`.
struct InputEdge {
  std::string port;
  TaskId producer;
  std::string output;
};

// A file outside the store that a task reads: hashed into its key.
struct FileInput {
  std::string param;    // "path", or "path/0": a JSON pointer without its first slash
  std::string pattern;  // absolute; may hold a glob; as it is written if a node has it
  Location where;
  std::string node = {};  // the only one that has it; empty: this machine
  Location node_where = {};
};

// A comparison tree over run-time values is kept as text and evaluated by
// pipelines/expressions/condition.h.
struct Condition {
  std::string text;  // "${steps.model.metrics.cv.roc_auc} > 0.7"
  Location where;
  bool reads_status = false;  // calls success(), failure() or always(): see condition.h
};

// A placeholder inside params, argv or env that is filled in before launch by FillDeferred
// (pipelines/expand/deferred.h).
struct DeferredValue {
  std::string pointer;                    // JSON pointer into {"params":..,"argv":..,"env":..}
  std::string text;                       // the text as written, with its ${...}
  std::shared_ptr<const ParamSpec> spec;  // what the value must be; null for argv and env
};

// One node of the expanded graph. Immutable; everything that can be known before the run is
// resolved here. Names are unique and stable: "train@C=0.1", "load[3]".
struct TaskDecl {
  std::string name;
  std::string step;  // the id in the file
  Json matrix = Json::object();
  Work work;
  std::vector<InputEdge> inputs;  // in port order, then in declaration order of producers
  std::vector<TaskId> needs;      // order only
  std::vector<MetricReference> metric_references;  // tasks whose metrics are read; also order
  std::vector<DeferredValue> deferred;
  std::optional<Condition> condition;
  std::vector<FileInput> files;
  std::map<std::string, std::string> env;  // declared: part of the cache key
  std::vector<std::string> secret_env;     // names whose values are redacted and never stored
  std::vector<std::string> secret_files;   // absolute; their contents are redacted, never stored
  bool never = false;                      // its `if:` is false whatever happens: skip it
  std::vector<PortSpec> outputs;
  RetryPolicy retry;
  Resources resources;
  Duration timeout{0};  // 0: none
  bool cache = true;
  bool row_local = false;
  Location where;
};

// A pipeline ready to plan: the product of Expand.
struct ExpandedPipeline {
  std::string name;
  std::string file;       // absolute path of the main file
  std::string directory;  // relative paths start here
  Json params = Json::object();
  IdMap<TaskId, TaskDecl> tasks;  // in declaration order; producers may come later
};

}  // namespace dml::pipelines
