#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dml::sql {

// SQL that a user wrote, and the parameter in which: "where", "columns.monetary", "sql".
struct UserText {
  std::string parameter;
  std::string sql;
};

// "name" as an identifier, whatever it holds.
[[nodiscard]] std::string QuoteName(std::string_view name);

// What SQLite's tokenizer would see, as far as quotes, comments and brackets go.
struct Token {
  enum class Kind {
    kText,   // 'a text'
    kName,   // "a name", [a name], `a name`
    kWord,   // letters and digits
    kOpen,   // (
    kClose,  // )
    kSemicolon,
    kVariable,   // ? :name @name $name
    kOpenEnded,  // a quote or a comment without its end
    kOther,
  };
  Kind kind = Kind::kOther;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// All tokens, without white space and comments.
[[nodiscard]] std::vector<Token> Tokenize(std::string_view sql);
// What a kText or kName token says, its quotes undone.
[[nodiscard]] std::string Unquote(std::string_view token);

// What is wrong with a text, without a full stop, and where: the bytes [begin, end).
struct Fault {
  std::string message;
  std::string hint = {};
  bool placed = false;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What hinders `text` from being one expression, or one query, as far as quotes and brackets tell.
[[nodiscard]] std::optional<Fault> FindExpressionFault(std::string_view sql);
[[nodiscard]] std::optional<Fault> FindQueryFault(std::string_view sql);

// Whether `text` is one expression as far as quotes and brackets tell, so that it can stand between
// parentheses. SQLite judges the rest.
Result<void> CheckExpression(const UserText& text);
// The same of a query, which may end in one semicolon.
Result<void> CheckQuery(const UserText& text);

// Texts in single quotes that are names of columns: `'age' > 30` compares a text, not the column. A
// warning for each.
[[nodiscard]] std::vector<std::string> SuspectTexts(const UserText& text,
                                                    const std::vector<std::string>& columns);

// An error that shows the fault in the text.
[[nodiscard]] Error ErrorOf(const UserText& text, const Fault& fault);
// An error about `text`: parameter, message, the line it is on, and a caret under [begin, end).
[[nodiscard]] Error ErrorAt(const UserText& text, std::size_t begin, std::size_t end,
                            std::string_view message, std::string hint = {});
// The same without a place.
[[nodiscard]] Error ErrorIn(const UserText& text, std::string_view message, std::string hint = {});

// A statement put together from generated SQL and texts of the user, so that an offset in it leads
// back to what the user wrote.
class SqlText {
 public:
  SqlText& Add(std::string_view generated);
  // In parentheses, closed on a line of its own because the text may end in a comment.
  SqlText& AddExpression(const UserText& text);
  // As it is.
  SqlText& AddQuery(const UserText& text);

  [[nodiscard]] const std::string& sql() const { return sql_; }

  struct Place {
    const UserText* text = nullptr;  // null: in generated SQL
    std::size_t offset = 0;
  };
  // Where `offset` of sql() is; a negative one is nowhere.
  [[nodiscard]] Place Find(int offset) const;
  [[nodiscard]] const std::deque<UserText>& texts() const { return texts_; }

 private:
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::string sql_;
  std::deque<UserText> texts_;
  std::vector<Span> spans_;  // of texts_
};

}  // namespace dml::sql
