// Transforms on rows that are new, odd or many.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "plugins/steps/transform/cast_column.h"
#include "plugins/steps/transform/code_book.h"
#include "plugins/steps/transform/order_statistics.h"
#include "tests/steps/transform_lab.h"

namespace dml::steps {
namespace {

using table::ColumnType;

TEST(UnknownCategory, IsNamedWithItsRowWhereverItLies) {
  TransformLab lab;
  const auto fitted = TransformLab::Fit("one_hot", {{"columns", {"color"}}},
                                        lab.Rows({{"color", {"red", "blue"}}}));
  ASSERT_TRUE(fitted.ok());
  const RowView rows = lab.Rows({{"color", {"red", "red", "blue", "red", "pink", nullptr}}}, 2);
  EXPECT_EQ(Failure(TransformLab::Read(rows.Through(*fitted).value())),
            "row 5 of the column 'color' is 'pink', as no training row had\n"
            "  hint: handle_unknown: ignore makes all its features 0");
  EXPECT_EQ(Failure(TransformLab::Read(rows.Select({0, 2, 5}).Through(*fitted).value())),
            "row 6 of the column 'color' has no value, as no training row had\n"
            "  hint: handle_unknown: ignore makes all its features 0");
  EXPECT_TRUE(TransformLab::Read(rows.Select({0, 2, 3}).Through(*fitted).value()).ok());
}

TEST(UnknownCategory, IsNumberedAsAsked) {
  TransformLab lab;
  const auto fitted = TransformLab::Fit(
      "ordinal", {{"columns", {"size"}}, {"categories", {{"size", {"small", "large"}}}}},
      lab.Rows({{"size", {"large", "small", nullptr}}}));
  ASSERT_TRUE(fitted.ok()) << Failure(fitted);
  const RowView rows = lab.Rows({{"size", {"small", "large", nullptr, "huge"}}});
  EXPECT_EQ(TransformLab::Read(rows.Select({0, 1, 2}).Through(*fitted).value()).value(),
            (TransformLab::Cells{{"size", {"0", "1", ""}}}));
  EXPECT_EQ(Failure(TransformLab::Read(rows.Through(*fitted).value())),
            "row 4 of the column 'size' is 'huge', as no training row had\n"
            "  hint: handle_unknown: use_encoded_value gives it unknown_value");
}

TEST(OneHot, KnowsAValueHoweverItIsWritten) {
  TransformLab lab;
  const auto fitted =
      TransformLab::Fit("one_hot", {{"columns", {"code"}}}, lab.Rows({{"code", {1, 20, -3}}}));
  ASSERT_TRUE(fitted.ok());
  const TransformLab::Cells expected = {
      {"code_-3", {"0", "1"}}, {"code_1", {"1", "0"}}, {"code_20", {"0", "0"}}};
  for (const Json& codes : {Json{1, -3}, Json{1.0, -3.0}, Json{"1", "-3"}}) {
    EXPECT_EQ(TransformLab::Read(lab.Rows({{"code", codes}}).Through(*fitted).value()).value(),
              expected)
        << codes;
  }
}

TEST(OneHot, LeavesNoColumnWhereNoFeatureIsLeft) {
  TransformLab lab;
  for (const bool sparse : {true, false}) {
    const auto seen = TransformLab::FitApply(
        "one_hot", {{"columns", {"a"}}, {"drop", "first"}, {"sparse_output", sparse}},
        lab.Rows({{"a", {"x", "x"}}, {"b", {1, 2}}}));
    ASSERT_TRUE(seen.ok()) << Failure(seen);
    EXPECT_EQ(TransformLab::Read(*seen).value(), (TransformLab::Cells{{"b", {"1", "2"}}}));
  }
}

// Of 0, 1, 2, 3, 10 the median is 2, and the quartiles are 1 and 3.
TEST(Robust, ScalesAndCentersEachOnlyIfItIsTold) {
  TransformLab lab;
  const RowView rows = lab.Rows({{"a", {10.0, 0.0, 2.0, 3.0, 1.0}}});
  const auto scaled = [&](bool centering, bool scaling) {
    const auto seen = TransformLab::FitApply(
        "robust", {{"columns", {"a"}}, {"with_centering", centering}, {"with_scaling", scaling}},
        rows);
    return TransformLab::Read(*seen).value().at("a");
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(scaled(true, false), (Texts{"8", "-2", "0", "1", "-1"}));
  EXPECT_EQ(scaled(true, true), (Texts{"4", "-1", "0", "0.5", "-0.5"}));
  EXPECT_EQ(scaled(false, true), (Texts{"5", "0", "1", "1.5", "0.5"}));
  EXPECT_EQ(scaled(false, false), (Texts{"10", "0", "2", "3", "1"}));
}

TEST(Bin, TellsSmallNumbersApart) {
  TransformLab lab;
  const RowView rows = lab.Rows({{"a", {1e-10, 2e-10, 3e-10, 4e-10}}});
  const auto binned = TransformLab::FitApply(
      "bin", {{"columns", {"a"}}, {"n_bins", 4}, {"encode", "ordinal"}}, rows);
  ASSERT_TRUE(binned.ok()) << Failure(binned);
  EXPECT_EQ(TransformLab::Read(*binned)->at("a"), (std::vector<std::string>{"0", "1", "2", "3"}));
}

// Their squares are no numbers, or nothing.
TEST(Normalize, TakesValuesOfAnySize) {
  TransformLab lab;
  const RowView rows =
      lab.Rows({{"a", {3e200, 3.0, 3e-200, 0.0}}, {"b", {4e200, 4.0, 4e-200, 0.0}}});
  const auto scaled = TransformLab::FitApply("normalize", {{"columns", "numeric"}}, rows);
  ASSERT_TRUE(scaled.ok()) << Failure(scaled);
  const auto cells = TransformLab::Read(*scaled);
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_DOUBLE_EQ(std::stod(cells->at("a")[row]), 0.6) << row;
    EXPECT_DOUBLE_EQ(std::stod(cells->at("b")[row]), 0.8) << row;
  }
  EXPECT_EQ(cells->at("a")[3], "0");
  const RowView large = lab.Rows({{"a", {1.5e308}}, {"b", {-1.5e308}}});
  const auto summed =
      TransformLab::FitApply("normalize", {{"columns", "numeric"}, {"norm", "l1"}}, large);
  ASSERT_TRUE(summed.ok()) << Failure(summed);
  EXPECT_EQ(TransformLab::Read(*summed)->at("b"), std::vector<std::string>{"-0.5"});
}

TEST(InfiniteValues, AreRefusedAndClipped) {
  TransformLab lab;
  const RowView rows = TransformLab::FitApply("cast", {{"columns", {{"a", "float64"}}}},
                                              lab.Rows({{"a", {"1", "inf", "-inf"}}}, 1))
                           .value();
  for (const char* transform : {"standardize", "min_max", "robust", "bin", "impute", "log"}) {
    const auto seen = TransformLab::FitApply(transform, {{"columns", {"a"}}}, rows);
    EXPECT_EQ(seen.ok() ? Failure(TransformLab::Read(*seen)) : Failure(seen),
              "row 2 of the column 'a' is infinite\n"
              "  hint: clip the column first, or correct the data")
        << transform;
  }
  const auto clipped =
      TransformLab::FitApply("clip", {{"columns", {"a"}}, {"min", -2.0}, {"max", 5.0}}, rows);
  EXPECT_EQ(TransformLab::Read(*clipped).value(), (TransformLab::Cells{{"a", {"1", "5", "-2"}}}));
}

TEST(Cast, GoesThroughEveryType) {
  TransformLab lab;
  const auto cast = [&](const Json& values, const char* type) {
    const auto seen =
        TransformLab::FitApply("cast", {{"columns", {{"a", type}}}}, lab.Rows({{"a", values}}));
    return TransformLab::Read(*seen).value().at("a");
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(cast({"1.50", nullptr, " -2e3 "}, "float64"), (Texts{"1.5", "", "-2000"}));
  EXPECT_EQ(cast({"7", "8.0", nullptr}, "int64"), (Texts{"7", "8", ""}));
  EXPECT_EQ(cast({"true", "FALSE", "1"}, "bool"), (Texts{"true", "false", "true"}));
  EXPECT_EQ(cast({1.5, nullptr}, "category"), (Texts{"1.5", ""}));
  EXPECT_EQ(cast({true, false, nullptr}, "int64"), (Texts{"1", "0", ""}));
  EXPECT_EQ(cast({"2021-02-03", "1969-12-31T23:59:59"}, "timestamp"),
            (Texts{"2021-02-03", "1969-12-31 23:59:59"}));
  EXPECT_EQ(cast({86400, -1}, "timestamp"), (Texts{"1970-01-02", "1969-12-31 23:59:59"}));
}

// Enough values that ranges have to be narrowed by counting before they are collected.
TEST(Quantiles, AreExactForManyRows) {
  constexpr std::size_t kRows = 600'000;
  table::TempDir folder;
  table::Batch batch;
  std::vector<std::vector<double>> columns(3, std::vector<double>(kRows));
  std::uint64_t state = 88172645463325252ULL;
  for (std::size_t row = 0; row < kRows; ++row) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const double uniform = static_cast<double>(state >> 11) * 0x1p-53;
    columns[0][row] = std::exp(40.0 * uniform - 20.0) * ((state & 1) != 0 ? 1.0 : -1.0);
    columns[1][row] = std::floor(uniform * 5.0);         // ties
    columns[2][row] = row < kRows - 3 ? 0.25 : uniform;  // nearly constant
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    batch.Set({"x" + std::to_string(c), ColumnType::kFloat64, 1}, table::MakeFloat64(columns[c]));
  }
  table::TableWriter writer(folder.path(), batch.schema);
  ASSERT_TRUE(writer.Write(0, batch).ok());
  ASSERT_TRUE(writer.Finish().ok());
  const auto names = batch.schema.Names();
  const RowView rows =
      RowView::Of(table::Table::OpenDirectory(folder.path()).value(), names).value();
  learn::Execution execution;
  execution.threads = 2;
  const auto moments = MeasureColumns(rows, names, execution).value();
  const std::vector<double> wanted = {0.0, 1e-6, 0.01, 0.25, 0.5, 0.75, 0.999, 1.0};
  const auto found = FindQuantiles(rows, names, moments, wanted, execution).value();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::ranges::sort(columns[c]);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const double position = wanted[k] * (kRows - 1);
      const auto low = static_cast<std::size_t>(position);
      const double left = columns[c][low];
      const double right = columns[c][std::min(low + 1, kRows - 1)];
      const double expected = left + (right - left) * (position - static_cast<double>(low));
      EXPECT_NEAR(found[c][k], expected, 1e-12 * std::max(1.0, std::abs(expected)))
          << c << " " << wanted[k];
    }
  }
}

TEST(CodeBook, TellsUnknownFromMissing) {
  const CodeBook book({"a", "10", "1000000000000", "2.5", "-0"});
  table::ColumnBuilder numbers({"n", ColumnType::kFloat64, 1});
  for (const double value : {10.0, 1e12, 2.5, 3.5, 0.0}) numbers.AppendDouble(value);
  numbers.AppendMissing();
  EXPECT_EQ(book.Encode(numbers.Finish()),
            (std::vector<std::int32_t>{1, 2, 3, CodeBook::kUnknown, CodeBook::kUnknown,
                                       CodeBook::kMissing}));
}

TEST(FeatureNames, OutliveTransformsThatFollow) {
  TransformLab lab;
  const RowView rows = lab.Rows({{"c", {"x", "y"}}, {"n", {1.0, 2.0}}});
  const RowView hot = TransformLab::FitApply("one_hot", {{"columns", {"c"}}}, rows).value();
  const RowView both = TransformLab::FitApply("standardize", {{"columns", "numeric"}}, hot).value();
  EXPECT_EQ(both.FeatureNames(0), (std::vector<std::string>{"c_x", "c_y"}));
  EXPECT_EQ(both.FeatureNames(1), (std::vector<std::string>{"n"}));
}

}  // namespace
}  // namespace dml::steps
