// Customers of a real shop, described as docs/relational.md does, against the numbers of pandas.

#include <cmath>

#include "base/files.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

class Rfm : public StepLab {
 protected:
  // The customers, by filter, derive and aggregate.
  Artifact Customers(const Json& partitions, int threads) {
    const std::string path =
        std::string(DML_SOURCE_DIR) + "/examples/customer_segments/data/online_retail.csv.gz";
    StepRun raw = Run("load.csv", {{"path", path}, {"partitions", partitions}}, {}, threads);
    EXPECT_TRUE(raw.ok()) << raw.Failure();
    StepRun sales =
        Run("filter", {{"where", "CustomerID IS NOT NULL AND Quantity > 0 AND UnitPrice > 0"}},
            {{"data", raw.outputs["data"]}}, threads);
    EXPECT_TRUE(sales.ok()) << sales.Failure();
    sales_ = sales.metrics;
    StepRun spent = Run("derive", {{"columns", {{"spent", "Quantity * UnitPrice"}}}},
                        {{"data", sales.outputs["data"]}}, threads);
    EXPECT_TRUE(spent.ok()) << spent.Failure();
    StepRun customers = Run("aggregate",
                            {{"by", {"CustomerID"}},
                             {"columns",
                              {{"a_recency", "days_between(max(InvoiceDate), '2011-02-01')"},
                               {"b_frequency", "count(DISTINCT InvoiceNo)"},
                               {"c_monetary", "sum(spent)"},
                               {"d_median", "median(spent)"},
                               {"e_deviation", "stddev(spent)"},
                               {"f_p90", "quantile(spent, 0.9)"},
                               {"g_first", "min(InvoiceDate)"}}}},
                            {{"data", spent.outputs["data"]}}, threads);
    EXPECT_TRUE(customers.ok()) << customers.Failure();
    return customers.outputs["data"];
  }
  Json sales_;
};

void ExpectNear(const std::string& found, const Json& expected) {
  if (expected.is_null()) {
    EXPECT_EQ(found, "");
    return;
  }
  const double value = expected.get<double>();
  EXPECT_NEAR(std::stod(found), value, 1e-9 * (1 + std::abs(value)));
}

TEST_F(Rfm, AgreesWithPandas) {
  auto text = ReadFile(std::string(DML_SOURCE_DIR) + "/tests/steps/relational/rfm.json");
  ASSERT_TRUE(text.ok());
  const Json expected = Json::parse(*text);
  const auto rows = Rows(Customers("auto", 1));
  EXPECT_EQ(sales_["rows"], expected["sales"]);
  ASSERT_EQ(rows.size(), expected["customers"].get<std::size_t>());
  std::int64_t frequency = 0;
  double recency = 0;
  double monetary = 0;
  for (const auto& row : rows) {
    recency += std::stod(row[1]);
    frequency += std::stoll(row[2]);
    monetary += std::stod(row[3]);
  }
  EXPECT_EQ(frequency, expected["frequency"].get<std::int64_t>());
  EXPECT_NEAR(recency, expected["recency"].get<double>(), 1e-6);
  EXPECT_NEAR(monetary, expected["monetary"].get<double>(), 1e-6);
  for (const auto& [index, customer] : expected["rows"].items()) {
    const auto& row = rows.at(std::stoul(index));
    ExpectNear(row[0], customer["customer"]);
    ExpectNear(row[1], customer["recency"]);
    EXPECT_EQ(row[2], std::to_string(customer["frequency"].get<int>()));
    ExpectNear(row[3], customer["monetary"]);
    ExpectNear(row[4], customer["median"]);
    ExpectNear(row[5], customer["deviation"]);
    ExpectNear(row[6], customer["p90"]);
    EXPECT_EQ(row[7], customer["first"].get<std::string>());
  }
}

TEST_F(Rfm, TheSameBytesForAnyThreadsAndPartitions) {
  const std::string expected = Bytes(Customers(1, 1));
  for (const int count : {1, 2, 3, 7}) {
    EXPECT_EQ(Bytes(Customers(count, 1)), expected) << count << " partitions";
    EXPECT_EQ(Bytes(Customers(7, count)), expected) << count << " threads";
  }
  memory_bytes_ = 8 << 20;
  EXPECT_EQ(Bytes(Customers(3, 2)), expected) << "little memory";
}

}  // namespace
}  // namespace dml::steps
