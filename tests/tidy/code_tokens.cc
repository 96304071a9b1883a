#include "tests/tidy/code_tokens.h"

#include <cctype>
#include <string_view>
#include <utility>

namespace dml::tidy {

namespace {

bool IsWordCharacter(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

class Tokenizer {
 public:
  explicit Tokenizer(const std::vector<std::string>& lines) {
    bool directive = false;
    for (const std::string& line : lines) {
      const std::size_t begin = line.find_first_not_of(' ');
      directive = directive || (begin != std::string::npos && line[begin] == '#');
      if (!directive) text_ += line;
      directive = directive && line.ends_with('\\');
      text_ += '\n';
    }
  }

  std::vector<Token> Run() && {
    while (at_ < text_.size()) Step();
    return std::move(tokens_);
  }

 private:
  void Step() {
    const std::string_view rest = std::string_view(text_).substr(at_);
    const char c = rest.front();
    if (rest.starts_with("//")) {
      MoveBy(rest.find('\n'));
    } else if (rest.starts_with("/*")) {
      MoveBy(rest.find("*/") + 2);
    } else if (rest.starts_with("R\"")) {
      const std::string end = ")" + std::string(rest.substr(2, rest.find('(') - 2)) + "\"";
      Add("\"\"", rest.find(end) + end.size());
    } else if (c == '"' || c == '\'') {
      Add(std::string(2, c), LengthOfLiteral(rest));
    } else if (IsWordCharacter(c)) {
      const std::size_t length = LengthOfWord(rest);
      Add(std::string(rest.substr(0, length)), length);
    } else if (rest.starts_with("::")) {
      Add("::", 2);
    } else if (c == ' ' || c == '\n' || c == '\t') {
      MoveBy(1);
    } else {
      Add(std::string(1, c), 1);
    }
  }

  static std::size_t LengthOfLiteral(std::string_view rest) {
    std::size_t end = 1;
    while (end < rest.size() && rest[end] != rest[0]) end += rest[end] == '\\' ? 2U : 1U;
    return end + 1;
  }

  // With the quotes within a number: 1'000.
  static std::size_t LengthOfWord(std::string_view rest) {
    const bool number = std::isdigit(static_cast<unsigned char>(rest.front())) != 0;
    std::size_t end = 1;
    while (end < rest.size() && (IsWordCharacter(rest[end]) || (number && rest[end] == '\''))) {
      ++end;
    }
    return end;
  }

  void Add(std::string text, std::size_t length) {
    tokens_.push_back({std::move(text), line_});
    MoveBy(length);
  }

  void MoveBy(std::size_t length) {
    const std::size_t end = length < text_.size() - at_ ? at_ + length : text_.size();
    for (; at_ < end; ++at_) line_ += text_[at_] == '\n' ? 1U : 0U;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::vector<Token> tokens_;
};

}  // namespace

bool Token::is_word() const {
  return IsWordCharacter(text.front()) &&
         std::isdigit(static_cast<unsigned char>(text.front())) == 0;
}

std::vector<Token> TokensOf(const std::vector<std::string>& lines) {
  return Tokenizer(lines).Run();
}

}  // namespace dml::tidy
