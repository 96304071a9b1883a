#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipelines/validate/model_outlooks.h"
#include "pipelines/validate/validate.h"

namespace dml::pipelines {

// What the parts of Validate share while they build one Pipeline. Internal to this folder.
struct ValidateContext {
  const StepCatalog& catalog;
  const World& world;
  Diagnostics& diagnostics;
  Resolver resolver;
  Pipeline pipeline;
  std::vector<const Node*> step_nodes;  // by step
  std::unordered_map<std::string_view, const StepSpec*> specs;
};

// Reports keys of `mapping` that are not among `known`, except x-... if `extensions`.
void CheckKeys(const Node& mapping, std::span<const std::string_view> known,
               const std::string& owner, bool extensions, Diagnostics& diagnostics);

// Reports and returns false unless `node` has the kind.
bool ExpectMapping(const Node& node, const std::string& what, Diagnostics& diagnostics);
bool ExpectSequence(const Node& node, const std::string& what, Diagnostics& diagnostics);

// The keys of `over` on top of those of `under`; mappings are merged, everything else replaced.
Node MergeMappings(const Node& under, const Node& over);

// include.cc: reads `include:` of a file, then appends the file's own steps, unchecked except for
// their ids. `params` are its parameters, `included_at` is the place in the file that includes it.
void AddFile(ValidateContext& context, const std::shared_ptr<const Document>& document,
             const std::string& prefix, Node params, std::vector<std::string> including,
             Place included_at = {});

// file_params.cc: `params:` with values from -S or from `with:` of an include.
Node MainParams(ValidateContext& context, const Document& document, const Overrides& overrides);
Node IncludedParams(ValidateContext& context, const Document& document, const Node* with);

// matrix.cc
std::optional<Matrix> ValidateMatrix(ValidateContext& context, const Node& step,
                                     const Scope& scope);

// validate_step.cc: everything about one step but its ports.
void DeclareStep(ValidateContext& context, std::size_t position);
void ValidateStep(ValidateContext& context, std::size_t position);
// Checks the values of a small matrix against the parameters they go to. Expand does it for every
// task anyhow; this is for a pipeline that will not be expanded because something else is wrong.
void CheckCombinations(ValidateContext& context, std::size_t position);
// validate_ports.cc: input and needs.
void ValidateInputs(ValidateContext& context, std::size_t position);
void ValidateNeeds(ValidateContext& context, std::size_t position);
// validate_models.cc: models are of the kind that their consumers take.
void CheckModels(ValidateContext& context, ModelOutlooks& outlooks);
// validate_metrics.cc: the metrics that references name will be reported.
void CheckMetrics(ValidateContext& context, ModelOutlooks& outlooks);
// validate_columns.cc: columns that parameters name are in the data, as far as that is known.
void CheckColumnNames(ValidateContext& context);
// unused_params.cc: parameters that their file never mentions are warned of.
void WarnOfUnusedParams(ValidateContext& context);
// unused_matrix.cc: so are values of a matrix that a step does nothing with.
void WarnOfUnusedMatrix(ValidateContext& context);
// validate_graph.cc: no step may wait for itself.
void CheckCycles(ValidateContext& context);

}  // namespace dml::pipelines
