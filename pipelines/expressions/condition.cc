#include "pipelines/expressions/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace dml::pipelines {

namespace {

using Op = Expression::Op;

bool IsComparison(Op op) { return op >= Op::kEqual; }

std::string_view Symbol(Op op) {
  switch (op) {
    case Op::kAnd:
      return "&&";
    case Op::kOr:
      return "||";
    case Op::kEqual:
      return "==";
    case Op::kNotEqual:
      return "!=";
    case Op::kLess:
      return "<";
    case Op::kLessEqual:
      return "<=";
    case Op::kGreater:
      return ">";
    case Op::kGreaterEqual:
      return ">=";
    case Op::kLiteral:
    case Op::kReference:
    case Op::kSuccess:
    case Op::kFailure:
    case Op::kAlways:
    case Op::kNot:
      return "";
  }
  DML_UNREACHABLE("every operator has a symbol");
}

Result<bool> Compare(Op op, const Json& left, const Json& right) {
  if (op == Op::kEqual) return left == right;
  if (op == Op::kNotEqual) return left != right;
  const bool ordered =
      (left.is_number() && right.is_number()) || (left.is_string() && right.is_string());
  if (!ordered) {
    return Error::Invalid(
        fmt::format("cannot compare {} {} {}", left.dump(), Symbol(op), right.dump()),
        "order is defined between two numbers or two texts; a metric that does "
        "not exist is null");
  }
  if (op == Op::kLess) return left < right;
  if (op == Op::kLessEqual) return left <= right;
  if (op == Op::kGreater) return left > right;
  return left >= right;
}

// Whether one is a text and the other what the text spells: 3 and '3', true and 'true'.
bool AlikeButForKind(const Json& left, const Json& right) {
  if (left.is_string() == right.is_string()) return false;
  const std::string& text = (left.is_string() ? left : right).get_ref<const std::string&>();
  const Json& other = left.is_string() ? right : left;
  return !other.is_null() && Json::parse(text, nullptr, /*allow_exceptions=*/false) == other;
}

Expression Literal(Json value) {
  Expression out;
  out.literal = std::move(value);
  return out;
}

bool IsLiteral(const Expression& e) { return e.op == Op::kLiteral; }

// Folds && and ||: drops operands that decide nothing, stops at one that decides all.
Expression FoldLogic(Op op, std::vector<Expression> operands) {
  const bool decisive = op == Op::kOr;
  std::vector<Expression> left;
  for (Expression& operand : operands) {
    if (!IsLiteral(operand)) {
      left.push_back(std::move(operand));
    } else if (IsTrue(operand.literal) == decisive) {
      return Literal(decisive);
    }
  }
  if (left.empty()) return Literal(!decisive);
  if (left.size() == 1) return std::move(left[0]);
  Expression out;
  out.op = op;
  out.operands = std::move(left);
  return out;
}

int Precedence(Op op) {
  if (op == Op::kOr) return 1;
  if (op == Op::kAnd) return 2;
  if (op == Op::kNot) return 3;
  return IsComparison(op) ? 4 : 5;
}

std::string Operand(const Expression& operand, Op outer) {
  std::string text = ToText(operand);
  const bool inside =
      Precedence(operand.op) > Precedence(outer) || (outer == Op::kNot && operand.op == Op::kNot);
  return inside ? text : fmt::format("({})", text);
}

struct Evaluator {
  const UpstreamStatus& upstream;
  const std::function<Json(const Reference&)>& value_of;

  Result<Json> Run(const Expression& e) const {
    switch (e.op) {
      case Op::kLiteral:
        return e.literal;
      case Op::kReference:
        return value_of(e.reference);
      case Op::kSuccess:
        return Json(upstream.all_succeeded);
      case Op::kFailure:
        return Json(upstream.any_failed);
      case Op::kAlways:
        return Json(true);
      case Op::kNot: {
        DML_TRY(const Json inner, Run(e.operands[0]));
        return Json(!IsTrue(inner));
      }
      case Op::kAnd:
      case Op::kOr:
        for (const Expression& operand : e.operands) {
          DML_TRY(const Json value, Run(operand));
          if (IsTrue(value) == (e.op == Op::kOr)) return Json(e.op == Op::kOr);
        }
        return Json(e.op == Op::kAnd);
      case Op::kEqual:
      case Op::kNotEqual:
      case Op::kLess:
      case Op::kLessEqual:
      case Op::kGreater:
      case Op::kGreaterEqual: {
        DML_TRY(const Json left, Run(e.operands[0]));
        DML_TRY(const Json right, Run(e.operands[1]));
        DML_TRY(const bool truth, Compare(e.op, left, right));
        return Json(truth);
      }
    }
    DML_UNREACHABLE("every operator is evaluated");
  }
};

}  // namespace

bool IsTrue(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_null();
}

void CollectReferences(const Expression& expression, std::vector<const Reference*>& out) {
  if (expression.op == Op::kReference) out.push_back(&expression.reference);
  for (const Expression& operand : expression.operands) CollectReferences(operand, out);
}

bool ReadsStatus(const Expression& expression) {
  if (expression.op == Op::kSuccess || expression.op == Op::kFailure ||
      expression.op == Op::kAlways) {
    return true;
  }
  return std::ranges::any_of(expression.operands, ReadsStatus);
}

bool AsksForFailure(const Expression& expression) {
  if (expression.op == Op::kFailure || expression.op == Op::kAlways) return true;
  if (expression.op == Op::kNot) return ReadsStatus(expression);
  return std::ranges::any_of(expression.operands, AsksForFailure);
}

void RenameSteps(Expression& expression,
                 const std::function<std::string(const std::string& step)>& full_id) {
  Reference& reference = expression.reference;
  if (expression.op == Op::kReference && reference.root == ReferenceRoot::kSteps) {
    reference.step = full_id(reference.step);
    reference.text = fmt::format("${{steps.{}.metrics.{}}}", reference.step, reference.path);
  }
  for (Expression& operand : expression.operands) RenameSteps(operand, full_id);
}

Expression Simplify(const Expression& expression, const StaticLookup& lookup) {
  if (expression.op == Op::kReference) {
    if (auto value = lookup(expression.reference)) return Literal(std::move(*value));
    return expression;
  }
  if (expression.operands.empty()) return expression;
  std::vector<Expression> operands;
  for (const Expression& operand : expression.operands) {
    operands.push_back(Simplify(operand, lookup));
  }
  if (expression.op == Op::kAnd || expression.op == Op::kOr) {
    return FoldLogic(expression.op, std::move(operands));
  }
  if (std::ranges::all_of(operands, IsLiteral)) {
    if (expression.op == Op::kNot) return Literal(!IsTrue(operands[0].literal));
    const bool mistaken = AlikeButForKind(operands[0].literal, operands[1].literal);
    const auto truth = Compare(expression.op, operands[0].literal, operands[1].literal);
    if (truth.ok() && !mistaken) return Literal(*truth);
  }
  Expression out;
  out.op = expression.op;
  out.operands = std::move(operands);
  return out;
}

std::optional<Error> FindStaticMistake(const Expression& simplified) {
  for (const Expression& operand : simplified.operands) {
    if (auto mistake = FindStaticMistake(operand)) return mistake;
  }
  if (!IsComparison(simplified.op)) return std::nullopt;
  if (!std::ranges::all_of(simplified.operands, IsLiteral)) return std::nullopt;
  const Json& left = simplified.operands[0].literal;
  const Json& right = simplified.operands[1].literal;
  const Result<bool> truth = Compare(simplified.op, left, right);
  if (!truth.ok()) return truth.error();
  return Error::Invalid(
      fmt::format("{} {} {} compares a text with what it spells, and they are never equal",
                  left.dump(), Symbol(simplified.op), right.dump()),
      "write both with quotes or both without; what comes from the environment is text");
}

std::string ToText(const Expression& expression) {
  switch (expression.op) {
    case Op::kLiteral:
      if (expression.literal.is_string()) {
        std::string out = "'";
        for (const char c : expression.literal.get_ref<const std::string&>()) {
          out.append(c == '\'' ? 2 : 1, c);
        }
        return out + "'";
      }
      return expression.literal.dump();
    case Op::kReference:
      return expression.reference.text;
    case Op::kSuccess:
      return "success()";
    case Op::kFailure:
      return "failure()";
    case Op::kAlways:
      return "always()";
    case Op::kNot:
      return fmt::format("!{}", Operand(expression.operands[0], Op::kNot));
    case Op::kAnd:
    case Op::kOr:
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      break;
  }
  std::string out;
  for (const Expression& operand : expression.operands) {
    if (!out.empty()) out += fmt::format(" {} ", Symbol(expression.op));
    out += Operand(operand, expression.op);
  }
  return out;
}

Result<bool> EvaluateCondition(const TaskDecl& task, const UpstreamStatus& upstream,
                               const MetricLookup& metrics) {
  if (task.never) return false;
  if (!task.condition) return upstream.all_succeeded;
  if (!task.condition->reads_status && !upstream.all_succeeded) return false;
  const ParsedCondition parsed = ParseCondition(task.condition->text);
  DML_CHECK(parsed.expression.has_value(), "Expand writes conditions that parse");
  const std::function<Json(const Reference&)> value_of = [&](const Reference& reference) -> Json {
    for (const MetricReference& known : task.metric_references) {
      if (known.step != reference.step || known.path != reference.path) continue;
      return metrics(known).value_or(Json());
    }
    return {};
  };
  const Evaluator evaluator{upstream, value_of};
  Result<Json> value = evaluator.Run(*parsed.expression);
  if (!value.ok()) {
    const Location& where = task.condition->where;
    return std::move(value).error().At(
        fmt::format("{}:{}:{}", where.file, where.line, where.column));
  }
  return IsTrue(*value);
}

}  // namespace dml::pipelines
