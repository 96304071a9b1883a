#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/steps/transform/frequency.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/steps/transform/text_analyzer.h"

namespace dml::steps {

// Which terms are kept, by scikit-learn's rules.
struct VocabularyLimits {
  Frequency min_df{1.0, false};  // rows that hold a term: at least, at most
  Frequency max_df{1.0, true};
  std::optional<std::int64_t> max_features;  // the most frequent ones in all; of equals, the first
  bool binary = false;                       // a term counts once a row
};

// The terms of one column, sorted bytewise, and how many rows hold each.
struct Vocabulary {
  std::vector<std::string> terms;
  std::vector<std::uint64_t> documents;
};

// Distinct terms of a column at most.
inline constexpr std::size_t kTermsMax = 5'000'000;

// One pass over text columns. A column without a term that is kept, and one with more than
// kTermsMax, are kInvalid.
Result<std::vector<Vocabulary>> LearnVocabularies(const RowView& rows,
                                                  const std::vector<std::string>& columns,
                                                  const TextAnalyzer& analyzer,
                                                  const VocabularyLimits& limits,
                                                  const learn::Execution& execution);

}  // namespace dml::steps
