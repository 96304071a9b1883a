// Every transform against scikit-learn: fixtures/make_transform_fixtures.py says how the numbers
// came to be.

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tests/steps/transform_lab.h"

namespace dml::steps {
namespace {

constexpr double kTolerance = 1e-12;

const Json& Fixture() {
  static const Json fixture = [] {
    std::ifstream in(std::string(DML_SOURCE_DIR) + "/tests/steps/fixtures/transforms.json");
    return Json::parse(in);
  }();
  return fixture;
}

// The rows of the fixture; texts and times get their types.
RowView FixtureRows(TransformLab& lab, const std::string& name, std::uint64_t partition_rows) {
  Json columns = Fixture().at(name);
  columns["text:string"] = columns.at("text");
  columns.erase("text");
  if (columns.contains("time")) {
    columns["time:string"] = columns.at("time");
    columns.erase("time");
  }
  const RowView rows = lab.Rows(columns, partition_rows);
  if (!columns.contains("time:string")) return rows;
  return TransformLab::FitApply("cast", {{"columns", {{"time", "timestamp"}}}}, rows).value();
}

Json ExpectedAt(const Json& column, std::size_t row) {
  return column.is_array() ? column.at(row) : column.value(std::to_string(row), Json(0.0));
}

void ExpectValue(const Json& expected, const std::string& found) {
  if (expected.is_null()) {
    EXPECT_EQ(found, "");
  } else if (expected.is_string()) {
    EXPECT_EQ(found, expected.get<std::string>());
  } else {
    const auto number = expected.get<double>();
    const double value = found == "true" ? 1.0 : found == "false" ? 0.0 : std::stod("0" + found);
    EXPECT_NEAR(found.starts_with('-') ? std::stod(found) : value, number,
                kTolerance * std::max(1.0, std::abs(number)));
  }
}

class SklearnCase : public ::testing::TestWithParam<std::size_t> {};

TEST_P(SklearnCase, Agrees) {
  const Json& one = Fixture().at("cases").at(GetParam());
  SCOPED_TRACE(one.at("transform").get<std::string>() + " " + one.at("params").dump());
  TransformLab lab;
  const RowView fit = FixtureRows(lab, "fit", 7);
  const auto fitted = TransformLab::Fit(one.at("transform"), one.at("params"), fit, 3);
  ASSERT_TRUE(fitted.ok()) << Failure(fitted);
  const RowView rows = one.at("apply").get<bool>() ? FixtureRows(lab, "apply", 2) : fit;
  // Columns that the case does not name are not there: what is left over was made.
  const auto seen = rows.Through(*fitted);
  ASSERT_TRUE(seen.ok()) << Failure(seen);
  const auto cells = TransformLab::Read(*seen);
  ASSERT_TRUE(cells.ok()) << Failure(cells);
  std::size_t made = 0;
  for (const auto& [name, values] : *cells) {
    if (one.at("expected").contains(name)) {
      ++made;
    } else {
      EXPECT_TRUE(rows.schema().IndexOf(name) >= 0) << name << " is not scikit-learn's";
    }
  }
  EXPECT_EQ(made, one.at("expected").size());
  for (const auto& [name, column] : one.at("expected").items()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(cells->contains(name));
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      SCOPED_TRACE(row);
      ExpectValue(ExpectedAt(column, row), cells->at(name)[row]);
      if (HasFailure()) return;
    }
  }
}

std::string CaseName(const ::testing::TestParamInfo<std::size_t>& info) {
  return Fixture().at("cases").at(info.param).at("transform").get<std::string>() + "_" +
         std::to_string(info.param);
}

INSTANTIATE_TEST_SUITE_P(Transforms, SklearnCase,
                         ::testing::Range<std::size_t>(0, Fixture().at("cases").size()), CaseName);

}  // namespace
}  // namespace dml::steps
