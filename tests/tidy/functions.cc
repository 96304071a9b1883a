#include "tests/tidy/functions.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace dml::tidy {

namespace {

std::size_t IndentationOf(const std::string& line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

std::string_view Trimmed(const std::string& line) {
  return std::string_view(line).substr(IndentationOf(line));
}

// The format puts a space before the brace of a block, and none before that of a list of values
// that follows a type or a name.
bool OpensBlock(const std::string& line) {
  static constexpr std::array<std::string_view, 5> kLists{"= {", "return {", ", {", "( {", "{ {"};
  return line.ends_with(" {") && !Trimmed(line).starts_with("//") &&
         std::ranges::none_of(kLists, [&](std::string_view end) { return line.ends_with(end); });
}

// Without the remark at its end.
std::string_view CodeOf(const std::string& line) {
  std::string_view text = Trimmed(line);
  text = text.substr(0, text.find("  //"));
  return text;
}

bool EndsStatement(const std::string& line) {
  const std::string_view text = CodeOf(line);
  return text.empty() || text.starts_with("//") || text.starts_with('#') ||
         std::string_view(";{}:").find(text.back()) != std::string_view::npos;
}

// How many more parentheses a line closes than it opens; those in quotes are text.
std::ptrdiff_t ClosedBy(const std::string& line) {
  std::ptrdiff_t closed = 0;
  char quote = 0;
  bool escaped = false;
  char before = 0;
  for (const char c : CodeOf(line)) {
    if (quote == 0) closed += c == ')' ? 1 : c == '(' ? -1 : 0;
    if (escaped) {
      escaped = false;
    } else if (quote != 0) {
      escaped = c == '\\';
      quote = c == quote ? 0 : quote;
    } else if (c == '"' || (c == '\'' && std::isdigit(static_cast<unsigned char>(before)) ==
                                             0)) {  // as in 1'000
      quote = c;
    }
    before = c;
  }
  return closed;
}

// The first line of the head whose last is `open`: `for (a;` ends no statement.
std::size_t FirstOfHead(const std::vector<std::string>& lines, std::size_t open) {
  std::size_t first = open;
  std::ptrdiff_t missing = ClosedBy(lines[open]);
  while (first > 0 && (missing > 0 || !EndsStatement(lines[first - 1]))) {
    --first;
    missing += ClosedBy(lines[first]);
  }
  return first;
}

// The brace of a lambda closes where the line that opens it begins, and the others where their
// heads do.
bool IsLambda(const std::string& line) {
  const std::size_t begin = line.find("](");
  const bool whole = begin != std::string::npos && line.find('}', begin) != std::string::npos;
  return (begin != std::string::npos && !whole) || line.ends_with("] {");
}

bool IsOfOtherKind(std::string_view head) {
  static constexpr std::array<std::string_view, 6> kOther{"namespace", "class ", "struct ",
                                                          "enum ",     "union ", "extern "};
  return std::ranges::any_of(kOther, [&](std::string_view word) { return head.starts_with(word); });
}

}  // namespace

std::vector<Block> BlocksOf(const std::vector<std::string>& lines) {
  std::vector<Block> found;
  for (std::size_t open = 0; open < lines.size(); ++open) {
    if (!OpensBlock(lines[open])) continue;
    const std::size_t first = IsLambda(lines[open]) ? open : FirstOfHead(lines, open);
    std::size_t named = first;
    while (named < open && Trimmed(lines[named]).starts_with("template <")) ++named;
    if (IsOfOtherKind(Trimmed(lines[named]))) continue;
    const std::size_t indentation = IndentationOf(lines[first]);
    std::size_t close = open + 1;
    while (close < lines.size() && (IndentationOf(lines[close]) != indentation ||
                                    !Trimmed(lines[close]).starts_with('}'))) {
      ++close;
    }
    found.push_back({std::string(Trimmed(lines[named])), first + 1, close - first + 1});
  }
  return found;
}

}  // namespace dml::tidy
