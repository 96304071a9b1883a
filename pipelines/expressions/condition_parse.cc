#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "pipelines/expressions/condition.h"

namespace dml::pipelines {

namespace {

using Op = Expression::Op;

constexpr int kDepthMax = 64;

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '.' || c == '-' || byte >= 0x80;
}

// A recursive-descent parser; stops at the first error.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  ParsedCondition Run() {
    Expression out = ParseOr(0);
    SkipSpace();
    if (!failed_ && at_ < text_.size()) {
      Fail(at_, fmt::format("unexpected '{}'", text_.substr(at_, 10)),
           "combine comparisons with && and ||");
    }
    if (failed_) return {std::nullopt, std::move(error_)};
    return {std::move(out), {}};
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  Expression Fail(std::size_t offset, std::string message, std::string hint = {}) {
    if (!failed_) error_ = {offset, std::move(message), std::move(hint)};
    failed_ = true;
    at_ = text_.size();
    return {};
  }

  bool TakeSymbol(std::string_view symbol) {
    SkipSpace();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  bool TakeWord(std::string_view word) {
    SkipSpace();
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(word)) return false;
    if (rest.size() > word.size() && IsWordByte(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }

  static Expression Combine(Op op, Expression left, Expression right) {
    Expression out;
    out.op = op;
    out.operands.push_back(std::move(left));
    out.operands.push_back(std::move(right));
    return out;
  }

  Expression ParseOr(int depth) {
    Expression left = ParseAnd(depth);
    if (failed_) return left;
    std::vector<Expression> operands;
    operands.push_back(std::move(left));
    while (!failed_ && (TakeSymbol("||") || TakeWord("or"))) operands.push_back(ParseAnd(depth));
    return Gather(Op::kOr, std::move(operands));
  }

  Expression ParseAnd(int depth) {
    std::vector<Expression> operands;
    operands.push_back(ParseNot(depth));
    while (!failed_ && (TakeSymbol("&&") || TakeWord("and"))) operands.push_back(ParseNot(depth));
    return Gather(Op::kAnd, std::move(operands));
  }

  static Expression Gather(Op op, std::vector<Expression> operands) {
    if (operands.size() == 1) return std::move(operands[0]);
    Expression out;
    out.op = op;
    out.operands = std::move(operands);
    return out;
  }

  Expression ParseNot(int depth) {
    if (depth > kDepthMax) return Fail(at_, "the condition is nested too deeply");
    SkipSpace();
    const bool bang = text_.substr(at_).starts_with("!") && !text_.substr(at_).starts_with("!=");
    if (bang) ++at_;
    if (!bang && !TakeWord("not")) return ParseComparison(depth);
    Expression out;
    out.op = Op::kNot;
    out.operands.push_back(ParseNot(depth + 1));
    return out;
  }

  Expression ParseComparison(int depth) {
    Expression left = ParseValue(depth);
    if (failed_) return left;
    static constexpr std::array<std::pair<std::string_view, Op>, 6> kComparisons{
        {{"==", Op::kEqual},
         {"!=", Op::kNotEqual},
         {"<=", Op::kLessEqual},
         {">=", Op::kGreaterEqual},
         {"<", Op::kLess},
         {">", Op::kGreater}}};
    for (const auto& [symbol, op] : kComparisons) {
      if (TakeSymbol(symbol)) return Combine(op, std::move(left), ParseValue(depth));
    }
    SkipSpace();
    if (text_.substr(at_).starts_with("=")) {
      return Fail(at_, "'=' is not a comparison", "write == to compare");
    }
    return left;
  }

  Expression ParseValue(int depth) {
    SkipSpace();
    if (at_ >= text_.size()) return Fail(at_, "a value is missing at the end");
    const char first = text_[at_];
    if (first == '(') {
      ++at_;
      Expression inside = ParseOr(depth + 1);
      if (!failed_ && !TakeSymbol(")")) return Fail(at_, "')' is missing");
      return inside;
    }
    if (first == '\'' || first == '"') return ParseText(first);
    if (text_.substr(at_).starts_with("${")) return ParseBracedReference();
    if ((first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.') {
      return ParseNumber();
    }
    return ParseWord();
  }

  // A quote inside is written twice, as in GitHub Actions.
  Expression ParseText(char quote) {
    std::string value;
    for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] != quote) {
        value += text_[i];
      } else if (i + 1 < text_.size() && text_[i + 1] == quote) {
        value += text_[i++];
      } else {
        at_ = i + 1;
        Expression out;
        out.literal = std::move(value);
        return out;
      }
    }
    return Fail(at_, "the text is not closed", "add a quote");
  }

  Expression ParseNumber() {
    std::string_view rest = text_.substr(at_);
    if (rest.starts_with('+')) rest.remove_prefix(1);
    std::int64_t integer = 0;
    double number = 0;
    const char* end = rest.data() + rest.size();
    const auto as_integer = std::from_chars(rest.data(), end, integer);
    const auto as_number = std::from_chars(rest.data(), end, number);
    if (as_number.ec != std::errc()) return Fail(at_, "not a number");
    Expression out;
    const bool whole = as_integer.ec == std::errc() && as_integer.ptr == as_number.ptr;
    out.literal = whole ? Json(integer) : Json(number);
    const auto next = static_cast<std::size_t>(as_number.ptr - text_.data());
    if (next < text_.size() && IsWordByte(text_[next])) {
      return Fail(at_, "not a number", "put text in single quotes: 'text'");
    }
    at_ = next;
    return out;
  }

  Expression ParseBracedReference() {
    if (text_.substr(at_).starts_with("${{")) {
      return Fail(at_, "'${{ ... }}' is not a dml reference", "write ${...} with one brace");
    }
    const std::size_t close = text_.find('}', at_);
    if (close == std::string_view::npos) return Fail(at_, "'${' is not closed", "add '}'");
    Expression out = MakeReference(text_.substr(at_ + 2, close - at_ - 2), close + 1 - at_);
    if (!failed_) at_ = close + 1;
    return out;
  }

  // `length` is that of the whole, from at_.
  Expression MakeReference(std::string_view inside, std::size_t length) {
    Result<Reference> reference = ParseReference(inside);
    if (!reference.ok()) {
      return Fail(at_, reference.error().message, reference.error().hint);
    }
    Expression out;
    out.op = Op::kReference;
    out.reference = std::move(reference).value();
    out.reference.offset = at_;
    out.reference.length = length;
    return out;
  }

  Expression ParseWord() {
    std::size_t end = at_;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    if (word.empty()) return Fail(at_, fmt::format("unexpected '{}'", text_[at_]));
    Expression out;
    if (word == "true" || word == "false") {
      out.literal = word == "true";
    } else if (text_.substr(end).starts_with("(")) {
      return ParseStatus(word, end);
    } else if (word.find('.') != std::string_view::npos || word == "item") {
      out = MakeReference(word, word.size());
    } else if (word != "null") {
      return Fail(at_, fmt::format("unknown word '{}'", word),
                  fmt::format("put text in single quotes: '{}'", word));
    }
    if (!failed_) at_ = end;
    return out;
  }

  Expression ParseStatus(std::string_view name, std::size_t end) {
    Expression out;
    if (name == "success") {
      out.op = Op::kSuccess;
    } else if (name == "failure") {
      out.op = Op::kFailure;
    } else if (name == "always") {
      out.op = Op::kAlways;
    } else {
      return Fail(at_, fmt::format("unknown function '{}'", name),
                  "the functions are success(), failure() and always()");
    }
    at_ = end + 1;
    if (!TakeSymbol(")")) return Fail(at_, fmt::format("{}() takes no arguments", name));
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
  ConditionError error_;
};

// Goes from word to word without asking how they belong together.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  ConditionReferences Run() {
    std::size_t at = 0;
    while (at < text_.size()) at = Next(at);
    return std::move(out_);
  }

 private:
  std::size_t Next(std::size_t at) {
    const char first = text_[at];
    if (first == '\'' || first == '"') return Behind(text_.find(first, at + 1));
    if (text_.substr(at).starts_with("${{")) return Behind(text_.find("}}", at));
    if (text_.substr(at).starts_with("${")) {
      const std::size_t close = text_.find('}', at);
      if (close != std::string_view::npos)
        Take(text_.substr(at + 2, close - at - 2), at, close + 1);
      return Behind(close);
    }
    std::size_t end = at;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    if (end == at) return at + 1;
    const std::string_view word = text_.substr(at, end - at);
    const bool number = std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '-';
    const bool path = word.find('.') != std::string_view::npos && first != '.';
    const bool called = text_.substr(end).starts_with("(");
    if ((path || word == "item") && !number && !called) Take(word, at, end);
    return end;
  }

  [[nodiscard]] std::size_t Behind(std::size_t last) const {
    return last == std::string_view::npos ? text_.size() : last + 1;
  }

  void Take(std::string_view inside, std::size_t begin, std::size_t end) {
    Result<Reference> reference = ParseReference(inside);
    if (!reference.ok()) {
      out_.errors.push_back({begin, reference.error().message, reference.error().hint});
      return;
    }
    reference->offset = begin;
    reference->length = end - begin;
    out_.references.push_back(std::move(reference).value());
  }

  std::string_view text_;
  ConditionReferences out_;
};

}  // namespace

ParsedCondition ParseCondition(std::string_view text) { return Parser(text).Run(); }

ConditionReferences ScanReferences(std::string_view text) { return Scanner(text).Run(); }

}  // namespace dml::pipelines
