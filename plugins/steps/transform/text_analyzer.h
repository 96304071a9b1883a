#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "plugins/api/params.h"

namespace dml::steps {

// How a text is cut into terms: the parameters that tfidf, count_vectorizer and hashing share, by
// scikit-learn's names and defaults.
struct AnalyzerParams {
  enum class Unit { kWord, kChar, kCharInWords };

  bool lowercase = true;
  Unit analyzer = Unit::kWord;
  std::vector<int> ngram_range{1, 1};
  Json stop_words;  // null, "english" or a list of words
};

// Cuts texts into terms. A word is two or more letters, digits or underscores in a row (the
// pattern \w\w+ of scikit-learn), of any script; text is UTF-8, and bytes that are not count as
// separators. Immutable, thread-safe.
class TextAnalyzer {
 public:
  // `params` have passed CheckAnalyzer().
  static TextAnalyzer Make(const AnalyzerParams& params);
  // kInvalid for what no analyzer has saved.
  static Result<TextAnalyzer> Load(const Json& saved);
  [[nodiscard]] Json Save() const;

  using Visit = std::function<void(std::string_view term)>;
  // Calls `visit` for every term, repeated ones too: n-grams by size, then by position. `visit` may
  // keep nothing of the view.
  void ForEachTerm(std::string_view text, const Visit& visit) const;

 private:
  explicit TextAnalyzer(AnalyzerParams params) : params_(std::move(params)) {}
  void VisitWords(const std::string& text, const Visit& visit) const;
  void VisitChars(const std::string& text, const Visit& visit) const;
  void VisitCharsInWords(const std::string& text, const Visit& visit) const;

  AnalyzerParams params_;
  std::unordered_set<std::string> stop_words_;
};

// An ngram_range that does not ascend, and stop words that are none.
void CheckAnalyzer(const AnalyzerParams& params, plugins::Problems& problems);

// Adds the parameters of AnalyzerParams to the schema of a struct that derives from it.
template <typename Params>
void AddAnalyzerParams(plugins::ParamSchema<Params>& schema) {
  using Unit = AnalyzerParams::Unit;
  ParamSpec english;
  english.type = ParamType::kEnum;
  english.choices = {"english"};
  ParamSpec word;
  word.type = ParamType::kString;
  ParamSpec list;
  list.type = ParamType::kList;
  list.element = {word};
  ParamSpec stop_words;
  stop_words.type = ParamType::kOneOf;
  stop_words.element = {english, list};
  schema
      .Add("lowercase", static_cast<bool Params::*>(&AnalyzerParams::lowercase),
           "take upper case as lower case")
      .AddEnum("analyzer", static_cast<Unit Params::*>(&AnalyzerParams::analyzer),
               {{"word", Unit::kWord}, {"char", Unit::kChar}, {"char_wb", Unit::kCharInWords}},
               "terms of words, of characters, or of characters within a word")
      .Add("ngram_range", static_cast<std::vector<int> Params::*>(&AnalyzerParams::ngram_range),
           "least and largest number of words or characters in a term")
      .AtLeast(2)
      .AtMost(2)
      .AddJson("stop_words", static_cast<Json Params::*>(&AnalyzerParams::stop_words), stop_words,
               "words to leave out: english, or a list")
      .Check([](const Params& params, plugins::Problems& problems) {
        CheckAnalyzer(params, problems);
      });
}

}  // namespace dml::steps
