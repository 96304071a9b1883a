#include <fmt/format.h>

#include <cmath>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

enum class Norm { kL1, kL2, kMax };

const std::vector<std::pair<std::string, Norm>> kNorms = {
    {"l2", Norm::kL2}, {"l1", Norm::kL1}, {"max", Norm::kMax}};

struct NormalizeParams {
  plugins::Columns columns{"numeric", {}};
  Norm norm = Norm::kL2;
};

class Normalize final : public FittedTransform {
 public:
  Normalize(std::vector<std::string> columns, Norm norm)
      : columns_(std::move(columns)), norm_(norm) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    std::vector<double> norms(batch.rows);
    for (const std::string& column : columns_) {
      DML_TRY(const Numbers values, ReadNumbers(batch, column));
      DML_RETURN_IF_ERROR(Accumulate(values, column, batch.first_row, norms));
    }
    for (double& norm : norms) {
      if (norm_ == Norm::kL2) norm = std::sqrt(norm);
      if (norm == 0.0) norm = 1.0;
    }
    for (const std::string& column : columns_) {
      DML_TRY(const Numbers values, ReadNumbers(batch, column));
      std::vector<double> out(batch.rows);
      for (std::size_t row = 0; row < batch.rows; ++row) out[row] = values[row] / norms[row];
      SetNumbers(batch, column, std::move(out));
    }
    return batch;
  }
  Json Save() const override {
    for (const auto& [name, norm] : kNorms) {
      if (norm == norm_) return {{"columns", columns_}, {"norm", name}};
    }
    DML_UNREACHABLE("every norm has a name");
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    const auto wanted = saved.at("norm").get<std::string>();
    for (const auto& [name, norm] : kNorms) {
      if (name != wanted) continue;
      return MakeFitted<Normalize>(saved.at("columns").get<std::vector<std::string>>(), norm);
    }
    return Error::Invalid(fmt::format("unknown norm '{}'", wanted));
  }

 private:
  Result<void> Accumulate(const Numbers& values, const std::string& column, std::uint64_t first_row,
                          std::vector<double>& norms) const {
    for (std::size_t row = 0; row < norms.size(); ++row) {
      const double x = values[row];
      if (std::isnan(x)) {
        return Error::Invalid(
            fmt::format("row {} of the column '{}' has no value, so the row has no norm",
                        first_row + row + 1, column),
            "impute the column first");
      }
      if (norm_ == Norm::kMax) {
        norms[row] = std::max(norms[row], std::abs(x));
      } else {
        norms[row] += norm_ == Norm::kL1 ? std::abs(x) : x * x;
      }
    }
    return {};
  }

  std::vector<std::string> columns_;
  Norm norm_;
};

Result<FittedTransformPtr> FitNormalize(const NormalizeParams& params, const RowView& rows,
                                        const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_RETURN_IF_ERROR(RequireNumeric(rows.schema(), columns));
  return MakeFitted<Normalize>(std::move(columns), params.norm);
}

}  // namespace

void AddNormalizeTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<NormalizeParams> schema;
  schema.Add("columns", &NormalizeParams::columns, "columns that make up a row")
      .AddEnum("norm", &NormalizeParams::norm, kNorms, "length of a row");
  types.push_back(MakeTransformType<Normalize>(
      {"normalize",
       "Scale every row to length 1",
       "x / |x| over the columns, |x| = sqrt(sum x^2) (l2), sum |x| (l1) or max |x| (max); a row "
       "of zeros stays; a missing value is an error",
       {}},
      schema, FitNormalize));
  types.back().spec.columns = SameColumns;
  types.back().learns = false;
}

}  // namespace dml::steps
