#include "base/metric_spec.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(MetricSpec, ANameIsItself) {
  EXPECT_TRUE(NamesMetric("rows", "rows"));
  EXPECT_FALSE(NamesMetric("rows", "row"));
  EXPECT_FALSE(NamesMetric("rows", "rows.all"));
  EXPECT_FALSE(NamesMetric("rows", ""));
}

TEST(MetricSpec, AStarStandsForAnyTextButNone) {
  EXPECT_TRUE(NamesMetric("cv.*", "cv.roc_auc"));
  EXPECT_FALSE(NamesMetric("cv.*", "cv."));
  EXPECT_FALSE(NamesMetric("cv.*", "rows"));
  EXPECT_TRUE(NamesMetric("lift.top_*_percent", "lift.top_10_percent"));
  EXPECT_FALSE(NamesMetric("lift.top_*_percent", "lift.top__percent"));
  EXPECT_TRUE(NamesMetric("per_class.*.f1", "per_class.a.b c.f1"));  // a class may hold dots
  EXPECT_TRUE(NamesMetric("per_class.*.f1", "per_class..f1.f1"));
  EXPECT_FALSE(NamesMetric("per_class.*.f1", "per_class.a.f2"));
  EXPECT_TRUE(NamesMetric("*.*.x", "a.b.x"));
  EXPECT_FALSE(NamesMetric("*.*.x", "a.b.y"));
}

TEST(MetricSpec, AMappingOfMetricsMayBeNamed) {
  EXPECT_TRUE(NamesMetric("cv.*", "cv"));
  EXPECT_TRUE(NamesMetric("per_class.*.f1", "per_class.yes"));
  EXPECT_FALSE(NamesMetric("per_class.*.f1", "per"));
}

TEST(MetricSpec, WhatItNeedsMayBeAbsentFalseOrNotKnownYet) {
  const MetricSpec metric{"oob_score", "a score", "oob_score"};
  EXPECT_FALSE(MayReport(metric, {{"depth", 3}}));
  EXPECT_FALSE(MayReport(metric, {{"oob_score", false}}));
  EXPECT_TRUE(MayReport(metric, {{"oob_score", true}}));
  EXPECT_TRUE(MayReport(metric, {{"oob_score", nullptr}}));
  EXPECT_TRUE(MayReport({"rows", "rows"}, Json::object()));
}

}  // namespace
}  // namespace dml
