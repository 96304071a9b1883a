#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dml::pipelines {

// What a ${...} can begin with.
enum class ReferenceRoot : std::uint8_t {
  kParams,    // ${params.a.b}
  kMatrix,    // ${matrix.C}
  kItem,      // ${item} or ${item.key}: the element of `foreach`
  kEnv,       // ${env.HOME}
  kFile,      // ${file:query.sql}
  kSteps,     // ${steps.best.metrics.cv.roc_auc}
  kSchedule,  // ${schedule.time}
  kInputs,    // ${inputs.data}: where a `run:` step finds an input
  kOutputs,   // ${outputs.model}: where a `run:` step leaves an output
};

struct Reference {
  ReferenceRoot root = ReferenceRoot::kParams;
  std::string step;  // of kSteps
  std::string path;  // after the root (after "metrics." for kSteps)
  std::string text;  // "${params.a}", as written
  // Where it stands in the text that it was read from, in bytes.
  std::size_t offset = 0;
  std::size_t length = 0;
};

// Text with references: literals[0] references[0] literals[1] ... "$${" is a literal "${".
struct Template {
  std::vector<std::string> literals;
  std::vector<Reference> references;

  // One reference and nothing else: the value keeps its type.
  [[nodiscard]] bool is_exact() const {
    return references.size() == 1 && literals[0].empty() && literals[1].empty();
  }
};

// Cheap test that spares most texts the parser.
inline bool MayHoldReference(std::string_view text) {
  return text.find("${") != std::string_view::npos;
}

// A reference that is unclosed or unknown; the message names it, the hint mends it.
struct ReferenceProblem {
  std::size_t offset = 0;
  std::size_t length = 0;
  Error error;
};

// All that a text refers to, and all that is wrong with it; the template lacks what is wrong.
struct ReadText {
  Template pieces;
  std::vector<ReferenceProblem> problems;
};
ReadText ReadReferences(std::string_view text);

// The same where one problem is enough: kInvalid for the first.
Result<Template> ParseTemplate(std::string_view text);

// The inside of ${...}, such as "params.seed"; also what conditions accept without ${}.
Result<Reference> ParseReference(std::string_view inside);

// `text` such that ParseTemplate gives it back as one literal.
std::string EscapeTemplate(std::string_view text);

}  // namespace dml::pipelines
