// The data sets of the examples, against the counts that their authors give.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plugins/table/csv/csv.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

LoadReport Load(const std::string& name, CsvOptions options = {}) {
  const TempDir dir;
  options.paths = {std::string(DML_SOURCE_DIR) + "/examples/" + name};
  LoadExecution execution;
  execution.threads = 2;
  const auto report = LoadCsv(options, dir.path(), execution);
  EXPECT_TRUE(report.ok()) << report.error().Render();
  return report.ok() ? *report : LoadReport{};
}

std::uint64_t Missing(const LoadReport& report, const std::string& column) {
  return report.missing.at(static_cast<std::size_t>(report.schema.IndexOf(column)));
}

ColumnType Type(const LoadReport& report, const std::string& column) {
  return report.schema.fields.at(static_cast<std::size_t>(report.schema.IndexOf(column))).type;
}

TEST(RealData, Income) {
  CsvOptions options;
  options.header = CsvHeader::kNo;
  options.trim = true;
  options.null_values = {"?"};
  const LoadReport report = Load("income/data/adult.data.gz", options);
  EXPECT_EQ(report.rows, 32'561U);
  EXPECT_EQ(Missing(report, "column_2"), 1836U);
  EXPECT_EQ(Missing(report, "column_7"), 1843U);
  EXPECT_EQ(Missing(report, "column_14"), 583U);
  EXPECT_EQ(Type(report, "column_1"), ColumnType::kInt64);
  EXPECT_EQ(Type(report, "column_15"), ColumnType::kCategory);
}

TEST(RealData, OnlineRetail) {
  const LoadReport report = Load("customer_segments/data/online_retail.csv.gz");
  EXPECT_EQ(report.rows, 77'628U);
  EXPECT_EQ(Missing(report, "CustomerID"), 28'866U);
  EXPECT_EQ(Missing(report, "Description"), 239U);
  EXPECT_EQ(Type(report, "CustomerID"), ColumnType::kFloat64);
  EXPECT_EQ(Type(report, "InvoiceDate"), ColumnType::kTimestamp);
  EXPECT_EQ(Type(report, "StockCode"), ColumnType::kCategory);
}

TEST(RealData, BikeDemand) {
  const LoadReport report = Load("bike_demand/data/hour.csv.gz");
  EXPECT_EQ(report.rows, 17'379U);
  EXPECT_EQ(report.schema.fields.size(), 17U);
  EXPECT_EQ(Type(report, "dteday"), ColumnType::kTimestamp);
  EXPECT_EQ(Type(report, "cnt"), ColumnType::kInt64);
}

TEST(RealData, CreditRisk) {
  const LoadReport report = Load("credit_risk/data/credit_default.csv.gz");
  EXPECT_EQ(report.rows, 30'000U);
  EXPECT_EQ(report.schema.fields.size(), 25U);
}

TEST(RealData, SmsSpam) {
  CsvOptions options;
  options.delimiter = "\t";
  options.header = CsvHeader::kNo;
  options.quote = "";
  options.columns = {"label", "message"};
  const LoadReport report = Load("sms_spam/data/sms.tsv.gz", options);
  EXPECT_EQ(report.rows, 5574U);
  EXPECT_EQ(Type(report, "label"), ColumnType::kCategory);
  EXPECT_EQ(Type(report, "message"), ColumnType::kString);
}

TEST(RealData, Digits) {
  CsvOptions options;
  options.header = CsvHeader::kNo;
  const LoadReport report = Load("digits/data/optdigits.tra.gz", options);
  EXPECT_EQ(report.rows, 3823U);
  EXPECT_EQ(Type(report, "column_65"), ColumnType::kInt64);
}

}  // namespace
}  // namespace dml::table
