#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "pipelines/expressions/reference.h"
#include "pipelines/task_decl.h"

namespace dml::pipelines {

// The language of `if:`
//
//   or   := and ( "||" | "or"  and )*        comparison := value ( == != < <= > >= value )?
//   and  := not ( "&&" | "and" not )*        value      := number | 'text' | true | false | null
//   not  := ( "!" | "not" ) not | comparison             | reference | status() | "(" or ")"
//
// References are written ${params.x} or params.x. success(), failure() and always() ask about the
// producers of the task; an expression without one of them runs only if all producers succeeded.
struct Expression {
  enum class Op : std::uint8_t {
    kLiteral,
    kReference,
    kSuccess,
    kFailure,
    kAlways,
    kNot,
    kAnd,
    kOr,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
  };
  Op op = Op::kLiteral;
  Json literal;
  Reference reference;
  std::vector<Expression> operands;
};

// A syntax error and where it is, in bytes from the beginning of the text.
struct ConditionError {
  std::size_t offset = 0;
  std::string message;
  std::string hint;
};

struct ParsedCondition {
  std::optional<Expression> expression;  // absent if there is an error
  ConditionError error;
};
ParsedCondition ParseCondition(std::string_view text);

// What a text refers to that does not parse: its references are checked all the same.
struct ConditionReferences {
  std::vector<Reference> references;
  std::vector<ConditionError> errors;  // of references that are none
};
ConditionReferences ScanReferences(std::string_view text);

// Every reference in it, in order.
void CollectReferences(const Expression& expression, std::vector<const Reference*>& out);
bool ReadsStatus(const Expression& expression);
// Whether it asks for something other than success: for failure(), always() or !success().
bool AsksForFailure(const Expression& expression);
// Gives every metric reference the full id of its step.
void RenameSteps(Expression& expression,
                 const std::function<std::string(const std::string& step)>& full_id);

// Replaces references that `lookup` knows by their values and folds what became constant. What is
// left is a literal, or an expression over run-time values.
using StaticLookup = std::function<std::optional<Json>(const Reference& reference)>;
Expression Simplify(const Expression& expression, const StaticLookup& lookup);

// The first comparison between two known values that cannot be meant: one without an order, or a
// number with a text that spells one, which is never equal. Of an expression that Simplify left.
std::optional<Error> FindStaticMistake(const Expression& simplified);

// The text form; parsing it gives an equal expression.
std::string ToText(const Expression& expression);

// The truth of a value: false, null, 0 and "" are false.
bool IsTrue(const Json& value);

// What the producers of a task came to.
struct UpstreamStatus {
  bool all_succeeded = true;
  bool any_failed = false;
};
// A metric of a finished task; nothing if the task did not run or does not report it.
using MetricLookup = std::function<std::optional<Json>(const MetricReference& reference)>;

// Whether `task` runs, as its `if:` says; a task without one runs if all producers succeeded. Pure.
// kInvalid if a metric is compared in order with something that it has no order with.
Result<bool> EvaluateCondition(const TaskDecl& task, const UpstreamStatus& upstream,
                               const MetricLookup& metrics);

}  // namespace dml::pipelines
