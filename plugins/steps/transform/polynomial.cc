#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/numbers.h"
#include "plugins/steps/transform/replace_column.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/column_builder.h"

namespace dml::steps {

namespace {

constexpr std::size_t kProductsMax = 10'000;

struct PolynomialParams {
  plugins::Columns columns{"numeric", {}};
  int degree = 2;
  bool interaction_only = false;
  bool include_bias = true;
};

// A product of columns, as indices that do not descend: the product of an earlier term and one more
// column.
struct Term {
  std::vector<std::size_t> factors;
  std::size_t parent = 0;  // the term without the last factor; unused for one factor
};

// Terms of degrees 1 to `degree`, by degree and then in the order of their factors; empty if there
// are more than kProductsMax.
std::vector<Term> MakeTerms(std::size_t columns, int degree, bool interaction_only) {
  std::vector<Term> terms;
  for (std::size_t c = 0; c < columns; ++c) terms.push_back({{c}, 0});
  std::size_t begin = 0;
  for (int d = 2; d <= degree; ++d) {
    const std::size_t end = terms.size();
    for (std::size_t t = begin; t < end; ++t) {
      const std::size_t last = terms[t].factors.back();
      for (std::size_t c = interaction_only ? last + 1 : last; c < columns; ++c) {
        if (terms.size() > kProductsMax + columns) return {};
        std::vector<std::size_t> factors = terms[t].factors;
        factors.push_back(c);
        terms.push_back({std::move(factors), t});
      }
    }
    begin = end;
  }
  return terms;
}

class Polynomial final : public FittedTransform {
 public:
  Polynomial(std::vector<std::string> columns, int degree, bool interaction_only, bool include_bias)
      : columns_(std::move(columns)),
        degree_(degree),
        interaction_only_(interaction_only),
        include_bias_(include_bias),
        terms_(MakeTerms(columns_.size(), degree, interaction_only)) {}

  [[nodiscard]] bool too_many() const { return !columns_.empty() && terms_.empty(); }

  Result<table::Batch> Apply(table::Batch batch) const override {
    std::vector<Numbers> inputs;
    for (const std::string& column : columns_) {
      DML_TRY(Numbers values, ReadNumbers(batch, column));
      inputs.push_back(std::move(values));
    }
    NewColumns made;
    if (include_bias_) made.Add("1", table::MakeFloat64(std::vector<double>(batch.rows, 1.0)));
    std::vector<table::Column> products;  // of terms_[columns_.size()] and on
    for (std::size_t t = columns_.size(); t < terms_.size(); ++t) {
      const Term& term = terms_[t];
      const Numbers& factor = inputs[term.factors.back()];
      const double* const rest = term.parent < columns_.size()
                                     ? inputs[term.parent].begin()
                                     : products[term.parent - columns_.size()].float64().data();
      std::vector<double> values(batch.rows);
      for (std::size_t row = 0; row < batch.rows; ++row) values[row] = rest[row] * factor[row];
      products.push_back(table::MakeFloat64(std::move(values)));
      made.Add(NameOf(term), products.back());
    }
    DML_RETURN_IF_ERROR(AppendColumns(batch, std::move(made)));
    return batch;
  }
  Json Save() const override {
    return {{"columns", columns_},
            {"degree", degree_},
            {"interaction_only", interaction_only_},
            {"include_bias", include_bias_}};
  }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Polynomial>(
        saved.at("columns").get<std::vector<std::string>>(), saved.at("degree").get<int>(),
        saved.at("interaction_only").get<bool>(), saved.at("include_bias").get<bool>());
  }

 private:
  // "a b^2", as scikit-learn writes it.
  [[nodiscard]] std::string NameOf(const Term& term) const {
    std::string name;
    for (std::size_t i = 0; i < term.factors.size();) {
      std::size_t end = i;
      while (end < term.factors.size() && term.factors[end] == term.factors[i]) ++end;
      if (i > 0) name += ' ';
      name += columns_[term.factors[i]];
      if (end - i > 1) name += fmt::format("^{}", end - i);
      i = end;
    }
    return name;
  }

  std::vector<std::string> columns_;
  int degree_;
  bool interaction_only_;
  bool include_bias_;
  std::vector<Term> terms_;
};

Result<FittedTransformPtr> FitPolynomial(const PolynomialParams& params, const RowView& rows,
                                         const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  DML_RETURN_IF_ERROR(RequireNumeric(rows.schema(), columns));
  const std::size_t count = columns.size();
  auto fitted = std::make_shared<const Polynomial>(std::move(columns), params.degree,
                                                   params.interaction_only, params.include_bias);
  if (fitted->too_many()) {
    return Error::Invalid(fmt::format("{} columns have more than {} products of degree {}", count,
                                      kProductsMax, params.degree),
                          "lower the degree, or name fewer columns");
  }
  return FittedTransformPtr(std::move(fitted));
}

}  // namespace

void AddPolynomialTransform(std::vector<TransformType>& types) {
  plugins::ParamSchema<PolynomialParams> schema;
  schema.Add("columns", &PolynomialParams::columns, "columns to multiply")
      .Add("degree", &PolynomialParams::degree, "factors of a product at most")
      .AtLeast(1)
      .AtMost(10)
      .Add("interaction_only", &PolynomialParams::interaction_only,
           "no powers: every factor another column")
      .Add("include_bias", &PolynomialParams::include_bias,
           "add a column '1' of ones; of no use to an estimator that has an intercept");
  types.push_back(MakeTransformType<Polynomial>(
      {"polynomial",
       "Add the products and powers of columns",
       "every product of 2 to `degree` of the columns, as new columns behind the others, named "
       "'a b' and 'a^2'; a product with a missing factor is missing",
       {}},
      schema, FitPolynomial));
  types.back().learns = false;
}

}  // namespace dml::steps
