#include "plugins/steps/transform/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "plugins/steps/transform/row_pass.h"
#include "plugins/steps/transform/term_vectors.h"
#include "plugins/table/interner.h"

namespace dml::steps {

namespace {

// Terms in order of appearance, in how many rows and how often they occur.
struct TermCounts {
  table::Interner terms;
  std::vector<std::uint64_t> documents;
  std::vector<std::uint64_t> occurrences;

  std::size_t Number(std::string_view term) {
    const auto number = static_cast<std::size_t>(terms.Intern(term));
    if (number == documents.size()) {
      documents.push_back(0);
      occurrences.push_back(0);
    }
    return number;
  }
  void Merge(const TermCounts& right) {
    if (terms.size() > kTermsMax) return;  // lost already: no need to remember more
    for (std::size_t i = 0; i < right.documents.size(); ++i) {
      const std::size_t number = Number(right.terms.at(i));
      documents[number] += right.documents[i];
      occurrences[number] += right.occurrences[i];
    }
  }
};

struct TermCountsOfColumns {
  std::vector<TermCounts> columns;

  void Merge(TermCountsOfColumns&& right) {
    if (columns.empty()) std::swap(columns, right.columns);
    for (std::size_t i = 0; i < right.columns.size(); ++i) columns[i].Merge(right.columns[i]);
  }
};

void CountTerms(const table::Column& column, const TextAnalyzer& analyzer, TermCounts& out) {
  std::vector<std::size_t> last_row(out.documents.size(), SIZE_MAX);
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column.IsValid(row)) continue;
    analyzer.ForEachTerm(column.string(row), [&](std::string_view term) {
      const std::size_t number = out.Number(term);
      last_row.resize(out.documents.size(), SIZE_MAX);
      ++out.occurrences[number];
      if (last_row[number] == row) return;
      last_row[number] = row;
      ++out.documents[number];
    });
  }
}

Error TooManyTerms(const std::string& column) {
  return Error::Invalid(
      fmt::format("the column '{}' has more than {} distinct terms", column, kTermsMax),
      "use hashing, which keeps no vocabulary, or a smaller ngram_range");
}

Result<Vocabulary> Choose(const std::string& column, const TermCounts& counts,
                          const VocabularyLimits& limits, std::uint64_t rows) {
  if (counts.documents.empty()) {
    return Error::Invalid(fmt::format("the column '{}' has no terms in the training rows", column),
                          "are its texts empty, or all stop words? leave it out of `columns`");
  }
  const double least = limits.min_df.InRows(rows);
  const double most = limits.max_df.InRows(rows);
  std::vector<std::size_t> kept;
  for (const std::int32_t index : counts.terms.SortedOrder()) {
    const auto term = static_cast<std::size_t>(index);
    const auto documents = static_cast<double>(counts.documents[term]);
    if (documents >= least && documents <= most) kept.push_back(term);
  }
  if (limits.max_features && kept.size() > static_cast<std::size_t>(*limits.max_features)) {
    const auto& weights = limits.binary ? counts.documents : counts.occurrences;
    std::vector<std::size_t> places(kept.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::ranges::stable_sort(places, std::greater<>(),
                             [&](std::size_t i) { return weights[kept[i]]; });
    places.resize(static_cast<std::size_t>(*limits.max_features));
    std::ranges::sort(places);
    for (std::size_t i = 0; i < places.size(); ++i) kept[i] = kept[places[i]];
    kept.resize(places.size());
  }
  if (kept.empty()) {
    return Error::Invalid(fmt::format("min_df and max_df leave no term of the column '{}'", column),
                          "lower min_df or raise max_df");
  }
  Vocabulary out;
  for (const std::size_t term : kept) {
    out.terms.emplace_back(counts.terms.at(term));
    out.documents.push_back(counts.documents[term]);
  }
  return out;
}

}  // namespace

Result<std::vector<Vocabulary>> LearnVocabularies(const RowView& rows,
                                                  const std::vector<std::string>& columns,
                                                  const TextAnalyzer& analyzer,
                                                  const VocabularyLimits& limits,
                                                  const learn::Execution& execution) {
  DML_RETURN_IF_ERROR(RequireText(rows.schema(), columns));
  const auto visit = [&](const table::Batch& batch, TermCountsOfColumns& out) -> Result<void> {
    out.columns.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      DML_TRY(const table::Column* column, FindText(batch, columns[i]));
      CountTerms(*column, analyzer, out.columns[i]);
      if (out.columns[i].terms.size() > kTermsMax) return TooManyTerms(columns[i]);
    }
    return {};
  };
  DML_TRY(TermCountsOfColumns found, PassOverRows<TermCountsOfColumns>(rows, execution, visit));
  found.columns.resize(columns.size());
  std::vector<Vocabulary> out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (found.columns[i].terms.size() > kTermsMax) return TooManyTerms(columns[i]);
    DML_TRY(out.emplace_back(), Choose(columns[i], found.columns[i], limits, rows.rows()));
  }
  return out;
}

}  // namespace dml::steps
