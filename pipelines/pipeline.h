#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/step_spec.h"
#include "pipelines/expressions/condition.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/params/bind.h"
#include "pipelines/params/check.h"
#include "pipelines/task_decl.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// The values of one key of a matrix; `foreach` is an axis named "item".
struct Axis {
  std::string key;
  std::vector<Node> values;  // without references
};

// The tasks that one step becomes, as in GitHub Actions.
struct Matrix {
  using Row = std::vector<std::pair<std::string, Node>>;

  bool is_foreach = false;
  std::vector<Axis> axes;
  std::vector<Row> include;
  std::vector<Row> exclude;
  std::vector<std::string> keys;  // of the axes, then those that only `include` adds
};

// An output that feeds an input port.
struct ProducerDecl {
  std::size_t step = 0;
  std::string output;
  Place place;
};

// A metric of another step, as a reference names it.
struct MetricUse {
  std::size_t step = 0;
  std::string path;            // "cv.roc_auc"
  const Node* node = nullptr;  // the text that holds the reference, and where in it
  std::size_t offset = 0;
  std::size_t length = 0;
};

struct InputDecl {
  std::string port;
  bool many = false;
  std::vector<ProducerDecl> producers;
};

struct NativeDecl {
  const StepSpec* spec = nullptr;
  BoundParams params;
  WrittenParams written;
};

// `run:`; texts keep their references until a task exists.
struct CommandDecl {
  std::vector<Node> argv;
  bool shell = false;
  std::vector<FileInput> code;
  std::map<std::string, std::string> inputs;   // port -> relative path
  std::map<std::string, std::string> outputs;  // port -> relative path
};

struct ConditionDecl {
  Expression expression;
  Place place;
};

// A step, checked and typed. What depends on the task is kept as nodes.
struct StepDecl {
  std::string id;
  std::string label;  // `name:`, for people
  Place place;
  std::size_t file = 0;  // position in Pipeline::files
  std::variant<NativeDecl, CommandDecl> work;
  std::vector<InputDecl> inputs;
  std::vector<ProducerDecl> needs;
  std::vector<MetricUse> metrics;  // that it reads
  std::vector<PortSpec> outputs;
  std::optional<Matrix> matrix;
  std::optional<ConditionDecl> condition;
  Node env;            // a mapping, defaults merged in
  Node settings_node;  // retry, timeout, resources, cache; defaults merged in
  BoundParams settings;
};

// What a file that was included, or the main file, gives to its steps.
struct FileDecl {
  std::string prefix;  // "prep.", or ""
  std::shared_ptr<const Document> document;
  Node params;    // a mapping: overrides applied, references to other parameters replaced
  Node defaults;  // settings for every step of this file
  Node env;
  Place included_at;  // in the file that includes it; nowhere for the main file
};

// A checked pipeline: the product of Validate. Immutable; its nodes point into its own documents,
// its specs into the catalog, which must outlive it.
struct Pipeline {
  std::string name;
  std::vector<FileDecl> files;                         // the main file first
  std::vector<std::shared_ptr<const Document>> texts;  // of overrides
  std::vector<StepDecl> steps;
  StepNames step_names;
  Json schedule;
  Json hooks = Json::object();
};

}  // namespace dml::pipelines
