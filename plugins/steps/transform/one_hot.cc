#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/category_values.h"
#include "plugins/steps/transform/code_book.h"
#include "plugins/steps/transform/feature_block.h"
#include "plugins/steps/transform/frequency.h"

namespace dml::steps {

namespace {

constexpr std::int32_t kNoFeature = -1;  // all features are 0
constexpr std::int32_t kRefused = -2;

enum class UnknownValue { kError, kIgnore, kInfrequent };
enum class DropWhich { kNone, kFirst, kIfBinary };

struct OneHotParams {
  plugins::Columns columns{"categorical", {}};
  UnknownValue handle_unknown = UnknownValue::kError;
  Json min_frequency;
  std::optional<int> max_categories;
  DropWhich drop = DropWhich::kNone;
  CategoryLists categories;
  bool sparse_output = true;
};

// The features of one column.
struct Encoding {
  std::string column;
  CodeBook values;
  std::vector<std::int32_t> features;  // of each value, or kNoFeature
  std::int32_t missing = kRefused;     // feature of a missing value, kNoFeature or kRefused
  std::int32_t unknown = kRefused;     // the same of a value that is not in `values`
  std::vector<std::string> names;      // of the features
};

class OneHot final : public FittedTransform {
 public:
  OneHot(std::vector<Encoding> columns, bool sparse)
      : columns_(std::move(columns)), sparse_(sparse) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const Encoding& encoding : columns_) {
      DML_TRY(FeatureBlock block, Encode(encoding, batch));
      DML_RETURN_IF_ERROR(
          sparse_ ? PutSparse(batch, encoding.column, encoding.names.size(), std::move(block))
                  : PutDense(batch, encoding.column, encoding.names, block));
    }
    return batch;
  }

  Json Save() const override {
    Json columns = Json::array();
    for (const Encoding& one : columns_) {
      columns.push_back({{"column", one.column},
                         {"values", one.values.values()},
                         {"features", one.features},
                         {"missing", one.missing},
                         {"unknown", one.unknown},
                         {"names", one.names}});
    }
    return {{"columns", std::move(columns)}, {"sparse_output", sparse_}};
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    std::vector<Encoding> columns;
    for (const Json& item : saved.at("columns").get_ref<const Json::array_t&>()) {
      columns.push_back({item.at("column").get<std::string>(),
                         CodeBook(item.at("values").get<std::vector<std::string>>()),
                         item.at("features").get<std::vector<std::int32_t>>(),
                         item.at("missing").get<std::int32_t>(),
                         item.at("unknown").get<std::int32_t>(),
                         item.at("names").get<std::vector<std::string>>()});
      DML_RETURN_IF_ERROR(CheckLoaded(columns.back()));
    }
    return MakeFitted<OneHot>(std::move(columns), saved.at("sparse_output").get<bool>());
  }

  std::vector<std::string> FeatureNames(std::string_view column) const override {
    const auto found = std::ranges::find(columns_, column, &Encoding::column);
    return found == columns_.end() || !sparse_ ? std::vector<std::string>() : found->names;
  }
  bool ComparesText(std::string_view column) const override {
    return std::ranges::find(columns_, column, &Encoding::column) != columns_.end();
  }

 private:
  static Result<void> CheckLoaded(const Encoding& one) {
    const auto fits = [&one](std::int32_t feature) {
      return feature >= kRefused && feature < static_cast<std::int32_t>(one.names.size());
    };
    if (one.features.size() == one.values.values().size() && fits(one.missing) &&
        fits(one.unknown) && std::ranges::all_of(one.features, fits)) {
      return {};
    }
    return Error::Invalid(fmt::format("the features of the column '{}' are damaged", one.column),
                          "train the model again");
  }

  static Result<FeatureBlock> Encode(const Encoding& encoding, const table::Batch& batch) {
    DML_TRY(const table::Column* column, batch.Find(encoding.column));
    const std::vector<std::int32_t> numbers = encoding.values.Encode(*column);
    FeatureBlock block;
    block.offsets.reserve(batch.rows + 1);
    block.indices.reserve(batch.rows);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      const std::int32_t number = numbers[row];
      const std::int32_t feature = number >= 0 ? encoding.features[static_cast<std::size_t>(number)]
                                   : number == CodeBook::kMissing ? encoding.missing
                                                                  : encoding.unknown;
      if (feature == kRefused) {
        return UnknownCategory(encoding.column, batch.first_row + row + 1, column->AsText(row),
                               "handle_unknown: ignore makes all its features 0");
      }
      if (feature >= 0) block.indices.push_back(feature);
      block.EndRow();
    }
    block.values.assign(block.indices.size(), 1.0);
    return block;
  }

  std::vector<Encoding> columns_;
  bool sparse_;
};

// Which categories are too rare for a feature of their own, by scikit-learn's rules.
std::vector<bool> FindInfrequent(const std::vector<std::uint64_t>& counts, std::uint64_t rows,
                                 const OneHotParams& params) {
  const double least = Frequency::FromJson(params.min_frequency).InRows(rows);
  std::vector<bool> infrequent;
  for (const std::uint64_t count : counts) {
    infrequent.push_back(static_cast<double>(count) < least);
  }
  if (!params.max_categories) return infrequent;
  const auto max = static_cast<std::size_t>(*params.max_categories);
  const auto rare = static_cast<std::size_t>(std::ranges::count(infrequent, true));
  if (counts.size() - rare + 1 <= max) return infrequent;
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return counts[i]; });
  for (std::size_t i = 0; i + max - 1 < order.size(); ++i) infrequent[order[i]] = true;
  return infrequent;
}

Encoding MakeEncoding(const std::string& column, const ValueCounts& found, std::uint64_t rows,
                      const OneHotParams& params) {
  Encoding out{column, CodeBook(found.values), {}, kRefused, kRefused, {}};
  std::vector<std::uint64_t> counts = found.counts;
  if (found.missing > 0) counts.push_back(found.missing);
  const std::vector<bool> infrequent = FindInfrequent(counts, rows, params);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out.features.push_back(infrequent[i] ? kRefused : static_cast<std::int32_t>(out.names.size()));
    if (infrequent[i]) continue;
    out.names.push_back(column + "_" + (i < found.values.size() ? found.values[i] : "nan"));
  }
  std::int32_t rest = kNoFeature;
  if (std::ranges::count(infrequent, true) > 0) {
    rest = static_cast<std::int32_t>(out.names.size());
    std::ranges::replace(out.features, kRefused, rest);
    out.names.push_back(column + "_infrequent");
  }
  if (!out.names.empty() && (params.drop == DropWhich::kFirst ||
                             (params.drop == DropWhich::kIfBinary && out.names.size() == 2))) {
    out.names.erase(out.names.begin());
    for (std::int32_t& feature : out.features) --feature;  // 0 becomes kNoFeature
    rest = std::max(rest - 1, kNoFeature);
  }
  if (params.handle_unknown == UnknownValue::kIgnore) out.unknown = kNoFeature;
  if (params.handle_unknown == UnknownValue::kInfrequent) out.unknown = rest;
  out.missing = out.unknown;
  if (found.missing > 0) {
    out.missing = out.features.back();
    out.features.pop_back();
  }
  return out;
}

Result<FittedTransformPtr> FitOneHot(const OneHotParams& params, const RowView& rows,
                                     const learn::Execution& execution) {
  DML_TRY(const auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_TRY(const auto counts,
          CountCategories(rows, columns, params.categories,
                          params.handle_unknown != UnknownValue::kError, execution));
  std::vector<Encoding> encodings;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    encodings.push_back(MakeEncoding(columns[i], counts[i], rows.rows(), params));
    if (!params.sparse_output) {
      DML_RETURN_IF_ERROR(CheckDense(columns[i], encodings.back().names.size()));
    }
  }
  return MakeFitted<OneHot>(std::move(encodings), params.sparse_output);
}

}  // namespace

void AddOneHotTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<OneHotParams> schema;
  schema.Add("columns", &OneHotParams::columns, "columns to encode")
      .AddEnum("handle_unknown", &OneHotParams::handle_unknown,
               {{"error", UnknownValue::kError},
                {"ignore", UnknownValue::kIgnore},
                {"infrequent_if_exist", UnknownValue::kInfrequent}},
               "what to do with a value that no training row has")
      .AddJson("min_frequency", &OneHotParams::min_frequency, Frequency::Spec(Json()),
               "rarer values share one feature: a count, or a share of the rows")
      .Add("max_categories", &OneHotParams::max_categories,
           "features of a column at most; the rarest values share one")
      .AtLeast(1)
      .AddEnum("drop", &OneHotParams::drop,
               {{"none", DropWhich::kNone},
                {"first", DropWhich::kFirst},
                {"if_binary", DropWhich::kIfBinary}},
               "leave out the first feature, always or of two")
      .Add("categories", &OneHotParams::categories,
           "column: [its values in order]; sorted training values otherwise")
      .Add("sparse_output", &OneHotParams::sparse_output,
           "one sparse column instead of a column for each feature");
  types.push_back(MakeTransformType<OneHot>(
      {"one_hot",
       "Make a 0/1 feature of every value of a column",
       "feature '<column>_<value>' is 1 where the column has the value; values are sorted, numbers "
       "by size; missing is a value of its own, '<column>_nan', if a training row lacks one; rare "
       "values share '<column>_infrequent'",
       {}},
      schema, FitOneHot));
  types.back().table_defaults = {{"sparse_output", false}};
}

}  // namespace dml::steps
