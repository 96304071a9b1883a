#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/steps/transform/term_vectors.h"
#include "plugins/steps/transform/text_analyzer.h"

namespace dml::steps {

namespace {

struct HashingParams : AnalyzerParams {
  plugins::Columns columns{"text", {}};
  std::int64_t n_features = 1 << 20;
  bool alternate_sign = true;
  bool binary = false;
  TermNorm norm = TermNorm::kL2;
  bool sparse_output = true;
};

// MurmurHash3_x86_32 with seed 0, by its author Austin Appleby's public-domain definition: the
// numbering of features is that of scikit-learn's HashingVectorizer.
std::int32_t MurmurHash3(std::string_view text) {
  constexpr std::uint32_t kC1 = 0xCC9E2D51;
  constexpr std::uint32_t kC2 = 0x1B873593;
  const auto mix = [](std::uint32_t k) { return std::rotl(k * kC1, 15) * kC2; };
  std::uint32_t hash = 0;
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    std::uint32_t block = 0;
    std::memcpy(&block, text.data() + at, 4);
    hash = std::rotl(hash ^ mix(block), 13) * 5 + 0xE6546B64;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = text.size(); i > at; --i) {
    tail = (tail << 8) | static_cast<unsigned char>(text[i - 1]);
  }
  hash ^= mix(tail);
  hash ^= static_cast<std::uint32_t>(text.size());
  hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
  hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
  return static_cast<std::int32_t>(hash ^ (hash >> 16));
}

class Hashing final : public FittedTransform {
 public:
  Hashing(HashingParams params, TextAnalyzer analyzer)
      : params_(std::move(params)), analyzer_(std::move(analyzer)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const std::string& name : params_.columns.names) {
      DML_TRY(const table::Column* column, FindText(batch, name));
      FeatureBlock block;
      for (std::size_t row = 0; row < batch.rows; ++row) {
        if (column->IsValid(row)) AppendTerms(column->string(row), block);
        block.EndRow();
      }
      if (params_.sparse_output) {
        DML_RETURN_IF_ERROR(
            PutSparse(batch, name, static_cast<std::size_t>(params_.n_features), std::move(block)));
        continue;
      }
      std::vector<std::string> names;
      for (std::int64_t i = 0; i < params_.n_features; ++i) {
        names.push_back(fmt::format("{}_{}", name, i));
      }
      DML_RETURN_IF_ERROR(PutDense(batch, name, names, block));
    }
    return batch;
  }

  Json Save() const override {
    Json saved = {{"columns", params_.columns.names},         {"n_features", params_.n_features},
                  {"alternate_sign", params_.alternate_sign}, {"binary", params_.binary},
                  {"sparse_output", params_.sparse_output},   {"terms", analyzer_.Save()}};
    for (const auto& [name, norm] : kTermNorms) {
      if (norm == params_.norm) saved["norm"] = name;
    }
    return saved;
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    HashingParams params;
    params.columns = {"", saved.at("columns").get<std::vector<std::string>>()};
    params.n_features = saved.at("n_features").get<std::int64_t>();
    params.alternate_sign = saved.at("alternate_sign").get<bool>();
    params.binary = saved.at("binary").get<bool>();
    params.sparse_output = saved.at("sparse_output").get<bool>();
    const auto norm_name = saved.at("norm").get<std::string>();
    for (const auto& [name, norm] : kTermNorms) {
      if (name == norm_name) params.norm = norm;
    }
    if (params.n_features < 1) return Error::Invalid("n_features is not positive");
    DML_TRY(TextAnalyzer analyzer, TextAnalyzer::Load(saved.at("terms")));
    return MakeFitted<Hashing>(std::move(params), std::move(analyzer));
  }

 private:
  void AppendTerms(std::string_view text, FeatureBlock& block) const {
    std::vector<std::pair<std::int32_t, double>> found;
    analyzer_.ForEachTerm(text, [&](std::string_view term) {
      const std::int64_t hash = MurmurHash3(term);
      const double sign = params_.alternate_sign && hash < 0 ? -1.0 : 1.0;
      // scikit-learn treats the one number whose absolute value does not fit into 32 bits apart.
      const std::int64_t size =
          hash == INT32_MIN ? INT32_MAX - (params_.n_features - 1) : std::abs(hash);
      const std::int64_t rest = size % params_.n_features;
      found.emplace_back(static_cast<std::int32_t>(rest < 0 ? rest + params_.n_features : rest),
                         sign);
    });
    std::ranges::stable_sort(found, {}, [](const auto& item) { return item.first; });
    const std::size_t begin = block.values.size();
    for (std::size_t i = 0; i < found.size();) {
      double sum = 0.0;
      std::size_t end = i;
      for (; end < found.size() && found[end].first == found[i].first; ++end) {
        sum += found[end].second;
      }
      block.Add(found[i].first, params_.binary ? 1.0 : sum);
      i = end;
    }
    NormalizeRow(block, begin, params_.norm);
  }

  HashingParams params_;  // columns by name
  TextAnalyzer analyzer_;
};

Result<FittedTransformPtr> FitHashing(const HashingParams& params, const RowView& rows,
                                      const learn::Execution&) {
  HashingParams resolved = params;
  DML_TRY(resolved.columns.names, ResolveColumns(params.columns, rows.schema()));
  resolved.columns.selector.clear();
  DML_RETURN_IF_ERROR(RequireText(rows.schema(), resolved.columns.names));
  if (!params.sparse_output && !resolved.columns.names.empty()) {
    DML_RETURN_IF_ERROR(
        CheckDense(resolved.columns.names.front(), static_cast<std::size_t>(params.n_features)));
  }
  return MakeFitted<Hashing>(std::move(resolved), TextAnalyzer::Make(params));
}

}  // namespace

void AddHashingTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<HashingParams> schema;
  schema.Add("columns", &HashingParams::columns, "texts")
      .Add("n_features", &HashingParams::n_features, "features of a column")
      .AtLeast(1)
      .AtMost(1 << 30)
      .Add("alternate_sign", &HashingParams::alternate_sign,
           "half of the terms count negatively, so that collisions cancel out on average")
      .Add("binary", &HashingParams::binary, "1 for every feature that occurs")
      .AddEnum("norm", &HashingParams::norm, kTermNorms, "what a row is divided by")
      .Add("sparse_output", &HashingParams::sparse_output,
           "one sparse column instead of a column for each feature");
  AddAnalyzerParams(schema);
  types.push_back(MakeTransformType<Hashing>(
      {"hashing",
       "Count the terms of texts by their hashes, without a vocabulary",
       "feature |h| mod n_features gains sign(h) for every term, h = MurmurHash3(term), then x / "
       "|x| over the row; a missing text has no terms",
       {}},
      schema, FitHashing));
  types.back().learns = false;
}

}  // namespace dml::steps
