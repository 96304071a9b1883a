#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/param_spec.h"
#include "base/step_spec.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/task_decl.h"
#include "pipelines/yaml/diagnostics.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// A value inside bound parameters that differs from task to task.
struct Hole {
  Json::json_pointer pointer;
  const ParamSpec* spec = nullptr;
  const Node* node = nullptr;
  std::vector<Reference> metrics;  // that it reads besides
};

// A value that is known only while the pipeline runs.
struct RuntimeHole {
  std::string pointer;
  std::string text;                   // the template that is left
  std::vector<Reference> references;  // the metrics in it
  const ParamSpec* spec = nullptr;
  Place place;
  const Node* node = nullptr;
};

// Parameters bound as far as they can be: holes hold null in `value` until they are filled.
struct BoundParams {
  Json value;
  std::vector<Hole> holes;
  std::vector<RuntimeHole> runtime;
  std::vector<FileInput> files;
  bool elsewhere = false;  // a node has the files: their paths are as they were written
  // Pointers to what is missing or was reported: the value lacks it, and what depends on it cannot
  // be judged.
  std::vector<std::string> refused;
};

// Binds YAML values to parameter declarations. Every fault is reported at its node and binding goes
// on, so that all are found; what comes out for a faulty value is null. Specs, nodes and scope are
// borrowed. One binder, one result.
class ParamBinder {
 public:
  ParamBinder(const StepCatalog& catalog, const Resolver& resolver, const Scope& scope)
      : catalog_(catalog), resolver_(resolver), scope_(scope) {}

  // With kByReference, ${env.X} and ${file:x} stay as text.
  void set_mode(ResolveMode mode) { mode_ = mode; }
  // Of parameters bound before, of which some values were left open.
  void set_elsewhere(bool elsewhere) { out_.elsewhere = elsewhere; }

  // Binds a mapping (or null for none given) to exactly these parameters; at the top, `at:` says
  // that input files are those of a node (base/node_param.h). `owner` is what has them,
  // "step type 'train.ridge'", and `place` is where a missing one is reported.
  Json BindAll(std::span<const ParamSpec> specs, const Node* mapping, const std::string& owner,
               const Place& place, const Json::json_pointer& at);

  // Binds one value.
  Json Bind(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);

  [[nodiscard]] BoundParams Take(Json value) {
    out_.value = std::move(value);
    return std::move(out_);
  }
  [[nodiscard]] BoundParams& pending() { return out_; }

 private:
  Json BindResolved(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindNumber(const ParamSpec& spec, const Node& node);
  Json BindText(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindQuantity(const ParamSpec& spec, const Node& node);
  Json BindColumns(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindList(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindMap(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindOrderedMap(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindOneOf(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindTransforms(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  Json BindTransform(const Node& node, const Json::json_pointer& at);
  Json BindAny(const Node& node, const Json::json_pointer& at);
  Json BindPath(const ParamSpec& spec, const Node& node, const Json::json_pointer& at);
  bool CheckRange(const ParamSpec& spec, const Node& node, double value, const std::string& what);
  Json Mistyped(const ParamSpec& spec, const Node& node);
  [[nodiscard]] bool NamesNode(std::span<const ParamSpec> specs, const Node* mapping);
  void RefuseUnwritten(std::span<const ParamSpec> specs, const Node& mapping,
                       const Json::json_pointer& at);
  void ReportUnknownTransform(const Node::Key& key);
  void ReportUnknownParam(const Node::Key& key, std::span<const ParamSpec> specs,
                          const std::string& owner);

  const StepCatalog& catalog_;
  Resolver resolver_;
  Scope scope_;
  ResolveMode mode_ = ResolveMode::kValue;
  BoundParams out_;
};

// The bound form of a value that arrived at run time, or why it does not fit.
Result<Json> CheckRuntimeValue(const ParamSpec& spec, const Json& value);

// A path as a user writes it, from the folder of the text it stands in; "~" is not expanded.
std::string AbsolutePath(const std::string& directory, const std::string& path);

}  // namespace dml::pipelines
