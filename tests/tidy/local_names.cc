#include "tests/tidy/local_names.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "tests/tidy/code_tokens.h"

namespace dml::tidy {

namespace {

using Kind = DeclaredName::Kind;
using Tokens = std::span<const Token>;

std::string Joined(Tokens tokens) {
  std::string text;
  bool after_word = false;
  for (const Token& token : tokens) {
    text += (after_word && token.is_word() ? " " : "") + token.text;
    after_word = token.is_word() || token.is(",");
  }
  return text;
}

// Behind the bracket that closes the one at `at`.
std::size_t BehindBrackets(Tokens tokens, std::size_t at) {
  static constexpr std::string_view kOpen = "([{<";
  static constexpr std::string_view kClose = ")]}>";
  const auto kind = kOpen.find(tokens[at].text);
  std::size_t depth = 0;
  for (; at < tokens.size(); ++at) {
    depth += tokens[at].is(kOpen.substr(kind, 1)) ? 1U : 0U;
    depth -= tokens[at].is(kClose.substr(kind, 1)) ? 1U : 0U;
    if (depth == 0) return at + 1;
  }
  return at;
}

// The position of the first of these outside of all brackets, those of templates included; the
// number of tokens if there is none.
std::size_t FindOutside(Tokens tokens, std::string_view characters) {
  std::size_t at = 0;
  while (at < tokens.size()) {
    const std::string& text = tokens[at].text;
    if (characters.find(text) != std::string_view::npos) return at;
    at = text == "(" || text == "[" || text == "{" || text == "<" ? BehindBrackets(tokens, at)
                                                                  : at + 1;
  }
  return at;
}

// Without `template <...>` and [[...]] in front.
Tokens WithoutPrefix(Tokens tokens) {
  while (tokens.size() > 1) {
    if (tokens[0].is("template") && tokens[1].is("<")) {
      tokens = tokens.subspan(BehindBrackets(tokens, 1));
    } else if (tokens[0].is("[")) {
      tokens = tokens.subspan(BehindBrackets(tokens, 0));
    } else {
      break;
    }
  }
  return tokens;
}

// The type of one parameter: without its name, its default, and the `const` of a value.
std::string TypeOf(Tokens parameter) {
  parameter = parameter.first(FindOutside(parameter, "="));
  if (parameter.empty()) return "";
  const std::size_t last = parameter.size() - 1;
  const bool named = last > 0 && parameter[last].is_word() && !parameter[last - 1].is("::") &&
                     !parameter[last - 1].is("const");
  if (named) parameter = parameter.first(last);
  const bool refers = std::ranges::any_of(
      parameter, [](const Token& token) { return token.is("&") || token.is("*"); });
  if (!refers && parameter[0].is("const")) parameter = parameter.subspan(1);
  return Joined(parameter);
}

std::string TypesOf(Tokens parameters) {
  std::string types;
  while (!parameters.empty()) {
    const std::size_t end = FindOutside(parameters, ",");
    types += (types.empty() ? "" : ", ") + TypeOf(parameters.first(end));
    parameters = parameters.subspan(std::min(end + 1, parameters.size()));
  }
  return types;
}

std::optional<DeclaredName> UsedName(Tokens head) {
  const std::size_t equals = FindOutside(head, "=");
  const std::size_t first = head[1].is("enum") ? 2 : 1;
  if (head.size() <= first || head[first].is("namespace") || first == 2) return std::nullopt;
  const Tokens meaning = equals < head.size() ? head.subspan(equals + 1) : head.subspan(1);
  const Token& name = equals < head.size() ? head[1] : head.back();
  return DeclaredName{name.text, Kind::kAlias, Joined(meaning), name.line};
}

// A type is declared as often as one likes, and defined once: by a head that a brace follows.
std::optional<DeclaredName> DefinedType(Tokens head) {
  std::size_t at = 1;
  if (at < head.size() && (head[at].is("class") || head[at].is("struct"))) ++at;
  while (at < head.size() && head[at].is("[")) at = BehindBrackets(head, at);
  if (at >= head.size() || !head[at].is_word()) return std::nullopt;
  if (at + 1 < head.size() && head[at + 1].is("<")) return std::nullopt;  // a specialisation
  return DeclaredName{head[at].text, Kind::kType, "", head[at].line};
}

bool StartsType(Tokens head, bool defined) {
  static constexpr std::array<std::string_view, 4> kWords{"struct", "class", "enum", "union"};
  if (std::ranges::find(kWords, std::string_view(head[0].text)) == kWords.end()) return false;
  return !defined || FindOutside(head, "(=") == head.size();
}

std::optional<DeclaredName> FunctionOrValue(Tokens head) {
  const std::size_t end = FindOutside(head, "(={[");
  // What begins with a word and a parenthesis is a macro; X::Y is a member, defined elsewhere.
  if (end == 0 || (end == 1 && head.size() > 1 && head[1].is("("))) return std::nullopt;
  const Token& name = head[end - 1];
  if (!name.is_word() || (end > 1 && head[end - 2].is("::"))) return std::nullopt;
  if (end == head.size() || !head[end].is("(")) {
    return DeclaredName{name.text, Kind::kValue, "", name.line};
  }
  const std::size_t behind = BehindBrackets(head, end);
  return DeclaredName{name.text, Kind::kFunction, TypesOf(head.subspan(end + 1, behind - end - 2)),
                      name.line};
}

class Reader {
 public:
  Reader(const std::vector<Token>& tokens, bool local) : tokens_(tokens), local_(local) {}

  std::vector<DeclaredName> Run() && {
    while (at_ < tokens_.size()) {
      if (tokens_[at_].is("}")) {
        if (!spaces_.empty()) spaces_.pop_back();
        ++at_;
      } else if (!EnterNamespace()) {
        ReadDeclaration();
      }
    }
    return std::move(found_);
  }

 private:
  // `namespace`, `inline namespace` or `extern "C"` with its brace.
  bool EnterNamespace() {
    std::size_t at = at_ + (tokens_[at_].is("inline") ? 1 : 0);
    const bool linkage = tokens_[at].is("extern") && at + 2 < tokens_.size() &&
                         tokens_[at + 1].is("\"\"") && tokens_[at + 2].is("{");
    if (!linkage && (at >= tokens_.size() || !tokens_[at].is("namespace"))) return false;
    std::string name;
    for (++at; at < tokens_.size() && !tokens_[at].is("{"); ++at) {
      if (tokens_[at].is("=")) return false;
      name += tokens_[at].text;
    }
    spaces_.push_back(linkage ? "extern" : name);
    at_ = at + 1;
    return true;
  }

  // To its semicolon, or to the brace that ends the body of a function.
  void ReadDeclaration() {
    const std::size_t begin = at_;
    std::size_t head_end = 0;
    while (at_ < tokens_.size() && !tokens_[at_].is(";") && !tokens_[at_].is("}")) {
      if (!tokens_[at_].is("{")) {
        at_ = tokens_[at_].is("(") ? BehindBrackets(tokens_, at_) : at_ + 1;
        continue;
      }
      if (head_end == 0) head_end = at_;
      at_ = BehindBrackets(tokens_, at_);
      if (EndsWithBrace(Tokens(tokens_).subspan(begin, head_end - begin))) break;
    }
    const bool braced = head_end != 0;
    const Tokens head = Tokens(tokens_).subspan(begin, (braced ? head_end : at_) - begin);
    if (at_ < tokens_.size() && tokens_[at_].is(";")) ++at_;
    if (!head.empty()) Note(WithoutPrefix(head), braced);
  }

  // Members of a constructor may be set up in braces before its body.
  bool EndsWithBrace(Tokens head) const {
    if (at_ >= tokens_.size()) return true;
    if (tokens_[at_].is(",") || tokens_[at_].is("{")) return false;
    head = WithoutPrefix(head);
    if (std::ranges::any_of(head, [](const Token& token) { return token.is("operator"); })) {
      return true;
    }
    return !StartsType(head, true) && FindOutside(head, "(") < FindOutside(head, "=");
  }

  void Note(Tokens head, bool braced) {
    static constexpr std::array<std::string_view, 5> kOthers{"friend", "typedef", "static_assert",
                                                             "extern", "operator"};
    if (head.size() < 2) return;
    for (const std::string_view word : kOthers) {
      if (std::ranges::any_of(head, [&](const Token& token) { return token.is(word); })) return;
    }
    std::optional<DeclaredName> found;
    if (head[0].is("using") || head[0].is("namespace")) {
      found = UsedName(head);
    } else if (StartsType(head, braced)) {
      if (braced) found = DefinedType(head);
    } else {
      found = FunctionOrValue(head);
    }
    if (!found) return;
    const bool local =
        std::ranges::find(spaces_, "") != spaces_.end() || found->kind == Kind::kAlias;
    if (local != local_) return;
    std::string space;
    for (const std::string& name : spaces_) space += name.empty() ? "" : name + "::";
    found->name = space + found->name;
    found_.push_back(std::move(*found));
  }

  const std::vector<Token>& tokens_;
  bool local_;  // which names are asked for
  std::size_t at_ = 0;
  std::vector<std::string> spaces_;  // "": one without a name
  std::vector<DeclaredName> found_;
};

}  // namespace

std::vector<DeclaredName> LocalNamesOf(const std::vector<std::string>& lines) {
  const std::vector<Token> tokens = TokensOf(lines);
  return Reader(tokens, true).Run();
}

std::vector<DeclaredName> SharedNamesOf(const std::vector<std::string>& lines) {
  const std::vector<Token> tokens = TokensOf(lines);
  return Reader(tokens, false).Run();
}

bool Clash(const DeclaredName& one, const DeclaredName& other) {
  if (one.name != other.name) return false;
  const bool may_agree = one.kind == Kind::kFunction || one.kind == Kind::kAlias;
  if (!may_agree || one.kind != other.kind) return true;
  return (one.meaning == other.meaning) == (one.kind == Kind::kFunction);
}

}  // namespace dml::tidy
