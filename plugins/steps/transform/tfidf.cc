// tfidf and count_vectorizer: terms of a vocabulary, counted and weighted.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/term_vectors.h"
#include "plugins/steps/transform/vocabulary.h"

namespace dml::steps {

namespace {

struct CountParams : AnalyzerParams {
  plugins::Columns columns{"text", {}};
  Json min_df = 1;
  Json max_df = 1.0;
  std::optional<std::int64_t> max_features;
  bool binary = false;
  bool sparse_output = true;
};

struct TfidfParams : CountParams {
  TermNorm norm = TermNorm::kL2;
  bool use_idf = true;
  bool smooth_idf = true;
  bool sublinear_tf = false;
};

// How counts become values.
struct Weighting {
  bool binary = false;
  bool sublinear_tf = false;
  TermNorm norm = TermNorm::kNone;
};

// The vocabulary of one column.
class TermTable {
 public:
  TermTable(std::string column, std::vector<std::string> terms, std::vector<double> idf)
      : column_(std::move(column)), terms_(std::move(terms)), idf_(std::move(idf)) {
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      numbers_.emplace(terms_[i], static_cast<std::int32_t>(i));
    }
  }

  [[nodiscard]] const std::string& column() const { return column_; }
  [[nodiscard]] const std::vector<std::string>& terms() const { return terms_; }
  [[nodiscard]] const std::vector<double>& idf() const { return idf_; }  // empty: 1 for all
  // -1 for a term that is not in the vocabulary.
  [[nodiscard]] std::int32_t Find(std::string_view term) const {
    const auto found = numbers_.find(term);
    return found == numbers_.end() ? -1 : found->second;
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const std::string& term : terms_) names.push_back(column_ + "_" + term);
    return names;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };

  std::string column_;
  std::vector<std::string> terms_;
  std::vector<double> idf_;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> numbers_;
};

class Vectorizer final : public FittedTransform {
 public:
  Vectorizer(std::vector<TermTable> columns, TextAnalyzer analyzer, Weighting weighting,
             bool sparse)
      : columns_(std::move(columns)),
        analyzer_(std::move(analyzer)),
        weighting_(weighting),
        sparse_(sparse) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const TermTable& terms : columns_) {
      DML_TRY(const table::Column* column, FindText(batch, terms.column()));
      FeatureBlock block;
      std::vector<std::int32_t> found;
      for (std::size_t row = 0; row < batch.rows; ++row) {
        found.clear();
        if (column->IsValid(row)) {
          analyzer_.ForEachTerm(column->string(row), [&](std::string_view term) {
            const std::int32_t number = terms.Find(term);
            if (number >= 0) found.push_back(number);
          });
        }
        AppendRow(terms, found, block);
      }
      DML_RETURN_IF_ERROR(
          sparse_ ? PutSparse(batch, terms.column(), terms.terms().size(), std::move(block))
                  : PutDense(batch, terms.column(), terms.Names(), block));
    }
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const TermTable& one : columns_) {
      columns.push_back({{"column", one.column()}, {"terms", one.terms()}, {"idf", one.idf()}});
    }
    Json saved = {{"columns", std::move(columns)},
                  {"terms", analyzer_.Save()},
                  {"binary", weighting_.binary},
                  {"sublinear_tf", weighting_.sublinear_tf},
                  {"sparse_output", sparse_}};
    for (const auto& [name, norm] : kTermNorms) {
      if (norm == weighting_.norm) saved["norm"] = name;
    }
    return saved;
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<TermTable> columns;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      columns.emplace_back(item.at("column").get<std::string>(),
                           item.at("terms").get<std::vector<std::string>>(),
                           item.at("idf").get<std::vector<double>>());
      const TermTable& read = columns.back();
      if (!read.idf().empty() && read.idf().size() != read.terms().size()) {
        return Error::Invalid(
            fmt::format("the weights of the column '{}' are damaged", read.column()),
            "train the model again");
      }
    }
    Weighting weighting{saved.at("binary").get<bool>(), saved.at("sublinear_tf").get<bool>(),
                        TermNorm::kNone};
    const auto norm_name = saved.at("norm").get<std::string>();
    for (const auto& [name, norm] : kTermNorms) {
      if (name == norm_name) weighting.norm = norm;
    }
    DML_TRY(TextAnalyzer analyzer, TextAnalyzer::Load(saved.at("terms")));
    return MakeFitted<Vectorizer>(std::move(columns), std::move(analyzer), weighting,
                                  saved.at("sparse_output").get<bool>());
  }

  std::vector<std::string> FeatureNames(std::string_view column) const override {
    const auto found = std::ranges::find(columns_, column, &TermTable::column);
    return found == columns_.end() || !sparse_ ? std::vector<std::string>() : found->Names();
  }

 private:
  // `found`: the numbers of the terms of a row, repeated ones too.
  void AppendRow(const TermTable& terms, std::vector<std::int32_t>& found,
                 FeatureBlock& block) const {
    std::ranges::sort(found);
    const std::size_t begin = block.values.size();
    for (std::size_t i = 0; i < found.size();) {
      std::size_t end = i;
      while (end < found.size() && found[end] == found[i]) ++end;
      double value = weighting_.binary ? 1.0 : static_cast<double>(end - i);
      if (weighting_.sublinear_tf) value = std::log(value) + 1.0;
      if (!terms.idf().empty()) value *= terms.idf()[static_cast<std::size_t>(found[i])];
      block.Add(found[i], value);
      i = end;
    }
    NormalizeRow(block, begin, weighting_.norm);
    block.EndRow();
  }

  std::vector<TermTable> columns_;
  TextAnalyzer analyzer_;
  Weighting weighting_;
  bool sparse_;
};

std::vector<double> InverseFrequencies(const Vocabulary& vocabulary, std::uint64_t rows,
                                       bool smooth) {
  const double extra = smooth ? 1.0 : 0.0;
  std::vector<double> idf;
  for (const std::uint64_t documents : vocabulary.documents) {
    idf.push_back(
        std::log((static_cast<double>(rows) + extra) / (static_cast<double>(documents) + extra)) +
        1.0);
  }
  return idf;
}

Result<FittedTransformPtr> FitVectorizer(const TfidfParams& params, const RowView& rows,
                                         const learn::Execution& execution) {
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  TextAnalyzer analyzer = TextAnalyzer::Make(params);
  const VocabularyLimits limits{Frequency::FromJson(params.min_df),
                                Frequency::FromJson(params.max_df), params.max_features,
                                params.binary};
  DML_TRY(const auto vocabularies, LearnVocabularies(rows, columns, analyzer, limits, execution));
  std::vector<TermTable> tables;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Vocabulary& vocabulary = vocabularies[i];
    if (!params.sparse_output) {
      DML_RETURN_IF_ERROR(CheckDense(columns[i], vocabulary.terms.size()));
    }
    tables.emplace_back(columns[i], vocabulary.terms,
                        params.use_idf
                            ? InverseFrequencies(vocabulary, rows.rows(), params.smooth_idf)
                            : std::vector<double>());
  }
  return MakeFitted<Vectorizer>(std::move(tables), std::move(analyzer),
                                Weighting{params.binary, params.sublinear_tf, params.norm},
                                params.sparse_output);
}

Result<FittedTransformPtr> FitCount(const CountParams& params, const RowView& rows,
                                    const learn::Execution& execution) {
  TfidfParams counts;
  static_cast<CountParams&>(counts) = params;
  counts.norm = TermNorm::kNone;
  counts.use_idf = false;
  return FitVectorizer(counts, rows, execution);
}

template <typename Params>
plugins::ParamSchema<Params> CountSchema() {
  plugins::ParamSchema<Params> schema;
  schema.Add("columns", static_cast<plugins::Columns Params::*>(&CountParams::columns), "texts")
      .AddJson("min_df", static_cast<Json Params::*>(&CountParams::min_df), Frequency::Spec(1),
               "leave out terms in fewer rows: a count, or a share of the rows")
      .AddJson("max_df", static_cast<Json Params::*>(&CountParams::max_df), Frequency::Spec(1.0),
               "leave out terms in more rows: a count, or a share of the rows")
      .Add("max_features",
           static_cast<std::optional<std::int64_t> Params::*>(&CountParams::max_features),
           "keep the most frequent terms only")
      .AtLeast(1)
      .Add("binary", static_cast<bool Params::*>(&CountParams::binary), "a term counts once a row")
      .Add("sparse_output", static_cast<bool Params::*>(&CountParams::sparse_output),
           "one sparse column instead of a column for each term");
  AddAnalyzerParams(schema);
  return schema.Check([](const Params& params, plugins::Problems& problems) {
    const Frequency least = Frequency::FromJson(params.min_df);
    const Frequency most = Frequency::FromJson(params.max_df);
    if (least.is_share != most.is_share || least.value <= most.value) return;
    problems.Add("/min_df", fmt::format("min_df {} exceeds max_df {}", least.value, most.value),
                 "no term could be in that many rows and in so few");
  });
}

}  // namespace

void AddVectorizerTransforms(std::vector<TransformType>& types) {
  plugins::ParamSchema<TfidfParams> tfidf = CountSchema<TfidfParams>();
  tfidf.AddEnum("norm", &TfidfParams::norm, kTermNorms, "what a row is divided by")
      .Add("use_idf", &TfidfParams::use_idf, "weight terms by their rarity")
      .Add("smooth_idf", &TfidfParams::smooth_idf, "as if one more row held every term")
      .Add("sublinear_tf", &TfidfParams::sublinear_tf, "1 + ln(tf) instead of tf");
  types.push_back(MakeTransformType<Vectorizer>(
      {"tfidf",
       "Weigh the terms of texts by how often and how rare they are",
       "x = tf * idf, then x / |x| over the row; idf = ln((1 + n) / (1 + df)) + 1 (smooth) or "
       "ln(n / df) + 1, df of n training rows hold the term; a missing text has no terms",
       {}},
      tfidf, FitVectorizer));
  types.push_back(MakeTransformType<Vectorizer>(
      {"count_vectorizer",
       "Count the terms of texts",
       "x = how often the term occurs in the row; a missing text has no terms",
       {}},
      CountSchema<CountParams>(), FitCount));
}

}  // namespace dml::steps
