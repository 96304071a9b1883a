#include <fmt/format.h>

#include <algorithm>
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
    DML_TRY(const std::vector<double> units, Units(batch));
    DML_TRY(const std::vector<double> norms, Norms(batch, units));
    for (const std::string& column : columns_) {
      DML_TRY(const Numbers values, ReadNumbers(batch, column));
      std::vector<double> out(batch.rows);
      for (std::size_t row = 0; row < batch.rows; ++row) {
        out[row] = values[row] / units[row] / norms[row];
      }
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
  // What the values of each row are divided by first: 1, or the largest of them where its square
  // might be no number any more, or nothing.
  Result<std::vector<double>> Units(const table::Batch& batch) const {
    constexpr double kSquareMax = 1e140;
    std::vector<double> units(batch.rows, 0.0);
    for (const std::string& column : columns_) {
      DML_TRY(const Numbers values, ReadNumbers(batch, column));
      for (std::size_t row = 0; row < batch.rows; ++row) {
        if (std::isnan(values[row])) return NoNorm(batch.first_row + row + 1, column);
        units[row] = std::max(units[row], std::abs(values[row]));
      }
    }
    for (double& unit : units) {
      if (unit == 0.0 || (unit < kSquareMax && unit > 1.0 / kSquareMax)) unit = 1.0;
    }
    return units;
  }

  // Of the rows in their units; 1 for a row of zeros.
  Result<std::vector<double>> Norms(const table::Batch& batch,
                                    const std::vector<double>& units) const {
    std::vector<double> norms(batch.rows, 0.0);
    for (const std::string& column : columns_) {
      DML_TRY(const Numbers values, ReadNumbers(batch, column));
      for (std::size_t row = 0; row < batch.rows; ++row) {
        const double x = std::abs(values[row]) / units[row];
        if (norm_ == Norm::kMax) {
          norms[row] = std::max(norms[row], x);
        } else {
          norms[row] += norm_ == Norm::kL1 ? x : x * x;
        }
      }
    }
    for (double& norm : norms) {
      if (norm_ == Norm::kL2) norm = std::sqrt(norm);
      if (norm == 0.0) norm = 1.0;
    }
    return norms;
  }

  static Error NoNorm(std::uint64_t row, const std::string& column) {
    return Error::Invalid(
        fmt::format("row {} of the column '{}' has no value, so the row has no norm", row, column),
        "impute the column first");
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
  types.back().version = 2;
  types.back().spec.columns = SameColumns;
  types.back().learns = false;
}

}  // namespace dml::steps
