#include "pipelines/expressions/condition.h"

#include <gtest/gtest.h>

namespace dml::pipelines {
namespace {

Result<bool> Evaluate(const std::string& text, const UpstreamStatus& upstream = {},
                      bool reads_status = false) {
  TaskDecl task;
  task.condition = Condition{text, {"p.yaml", 3, 7}, reads_status};
  task.metric_references = {{TaskId(0), "auc", "m"}, {TaskId(0), "none", "m"}};
  return EvaluateCondition(task, upstream, [](const MetricReference& reference) {
    return reference.path == "auc" ? std::optional<Json>(0.75) : std::nullopt;
  });
}

bool Holds(const std::string& text) {
  const Result<bool> result = Evaluate(text);
  EXPECT_TRUE(result.ok()) << text;
  return result.ok() && *result;
}

TEST(Condition, ComparesNumbersAndTexts) {
  EXPECT_TRUE(Holds("1 < 2"));
  EXPECT_FALSE(Holds("2 < 1"));
  EXPECT_TRUE(Holds("2 >= 2.0"));
  EXPECT_TRUE(Holds("1e-3 == 0.001"));
  EXPECT_TRUE(Holds("'a' < 'b'"));
  EXPECT_TRUE(Holds("'it''s' == \"it's\""));
  EXPECT_TRUE(Holds("-1 != +1"));
}

TEST(Condition, AndBindsTighterThanOr) {
  EXPECT_TRUE(Holds("true || false && false"));
  EXPECT_FALSE(Holds("(true || false) && false"));
  EXPECT_TRUE(Holds("not false and true"));
  EXPECT_FALSE(Holds("!(1 < 2) or !true"));
}

TEST(Condition, ReadsMetricsWithAndWithoutBraces) {
  EXPECT_TRUE(Holds("${steps.m.metrics.auc} > 0.7"));
  EXPECT_TRUE(Holds("steps.m.metrics.auc > 0.7 && steps.m.metrics.auc <= 0.75"));
  EXPECT_TRUE(Holds("steps.m.metrics.none == null"));
}

TEST(Condition, OrderWithAMissingMetricIsAnErrorWithItsPlace) {
  const Result<bool> result = Evaluate("steps.m.metrics.none > 0.7");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(result.error().where, "p.yaml:3:7");
}

TEST(Condition, RunsOnlyAfterSuccessUnlessItAsksForTheStatus) {
  const UpstreamStatus failed{false, true};
  EXPECT_FALSE(*Evaluate("true", failed));
  EXPECT_TRUE(*Evaluate("failure()", failed, true));
  EXPECT_TRUE(*Evaluate("always()", failed, true));
  EXPECT_FALSE(*Evaluate("success()", failed, true));
  TaskDecl plain;
  EXPECT_FALSE(*EvaluateCondition(plain, failed, {}));
  EXPECT_TRUE(*EvaluateCondition(plain, {}, {}));
  plain.never = true;
  EXPECT_FALSE(*EvaluateCondition(plain, {}, {}));
}

TEST(Condition, TextFormParsesBackToItself) {
  for (const char* text :
       {"${steps.m.metrics.auc} > 0.7 && failure()", "(true || ${item}) && !(1 == 2)",
        "'it''s' != \"q\"", "!!always()", "null == -3", "(1 < 2) == (3 < 4)"}) {
    const ParsedCondition once = ParseCondition(text);
    ASSERT_TRUE(once.expression) << text << ": " << once.error.message;
    const std::string shown = ToText(*once.expression);
    const ParsedCondition twice = ParseCondition(shown);
    ASSERT_TRUE(twice.expression) << shown;
    EXPECT_EQ(ToText(*twice.expression), shown);
  }
}

TEST(Condition, SimplifyKeepsWhatIsUnknown) {
  const ParsedCondition parsed = ParseCondition("params.n > 3 && steps.m.metrics.a < params.n");
  const Expression left = Simplify(*parsed.expression, [](const Reference& reference) {
    return reference.root == ReferenceRoot::kParams ? std::optional<Json>(5) : std::nullopt;
  });
  EXPECT_EQ(ToText(left), "${steps.m.metrics.a} < 5");
}

TEST(Condition, MistakesThatCanBeSeenBeforeARunAre) {
  const auto mistake = [](const std::string& text) {
    const ParsedCondition parsed = ParseCondition(text);
    const auto found =
        FindStaticMistake(Simplify(*parsed.expression, [](const Reference& reference) {
          return reference.root == ReferenceRoot::kParams ? std::optional<Json>(3) : std::nullopt;
        }));
    return found ? found->message : std::string();
  };
  EXPECT_EQ(mistake("params.n > 'a'"), "cannot compare 3 > \"a\"");
  EXPECT_EQ(mistake("steps.m.metrics.a > 1 && params.n < 'b'"), "cannot compare 3 < \"b\"");
  const std::string never = " compares a text with what it spells, and they are never equal";
  EXPECT_EQ(mistake("params.n == '3'"), "3 == \"3\"" + never);
  EXPECT_EQ(mistake("'true' != true"), "\"true\" != true" + never);
  EXPECT_EQ(mistake("params.n == 'auto'"), "") << "a parameter may be either";
  EXPECT_EQ(mistake("params.n == null"), "");
  EXPECT_EQ(mistake("params.n == 3.0"), "");
  EXPECT_EQ(mistake("false && params.n > 'a'"), "") << "is never asked";
}

TEST(Condition, DeepNestingIsRefused) {
  EXPECT_FALSE(ParseCondition(std::string(10'000, '(')).expression);
  EXPECT_FALSE(ParseCondition(std::string(10'000, '!') + "true").expression);
}

}  // namespace
}  // namespace dml::pipelines
