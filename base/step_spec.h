#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/param_spec.h"

namespace dml {

// What travels along an edge of the graph.
enum class PortKind { kTable, kModel, kFile };

// A named input or output of a step type.
struct PortSpec {
  std::string name;
  PortKind kind = PortKind::kTable;
  bool required = true;
  bool many = false;  // an input that takes several producers, or every task of a matrix
  // An input that stands for any number of them, each under a name that the user chooses and the
  // artifacts bear; a bare `input: x` is called `name`. The only input of its step type.
  bool named = false;
  std::string doc;
};

// What a step type is, as data: the contract between the language and the plugins. The language
// validates against it, the plugins implement it, and neither includes the other.
struct StepSpec {
  std::string name;           // "train.ridge": a verb, a dot, scikit-learn's noun
  std::string summary;        // one line
  std::string formula;        // the objective or definition, as in the reference page; may be empty
  int algorithm_version = 1;  // part of the cache key; raised when results change
  std::vector<ParamSpec> params;
  std::vector<PortSpec> inputs;   // the first is what a bare `input: x` means
  std::vector<PortSpec> outputs;  // the first is what a bare reference means
  // Output rows of a partition depend on that partition alone: chains of such steps run fused.
  bool row_local = false;
  bool cacheable = true;
};

// A preprocessing transform: usable inside `preprocess:`, and as the step "preprocess.<name>".
struct TransformSpec {
  std::string name;
  std::string summary;
  std::string formula;
  std::vector<ParamSpec> params;
};

// Everything a pipeline can name. Immutable after the composition root has filled it.
struct StepCatalog {
  std::vector<StepSpec> steps;
  std::vector<TransformSpec> transforms;

  [[nodiscard]] const StepSpec* FindStep(std::string_view name) const;
  [[nodiscard]] const TransformSpec* FindTransform(std::string_view name) const;
};

}  // namespace dml
