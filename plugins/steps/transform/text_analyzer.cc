#include "plugins/steps/transform/text_analyzer.h"

#include <fmt/format.h>

#include "plugins/steps/transform/stop_words.h"
#include "plugins/steps/transform/unicode_text.h"

namespace dml::steps {

namespace {

using Unit = AnalyzerParams::Unit;
using Spans = std::vector<std::pair<std::size_t, std::size_t>>;  // begin, end in bytes

constexpr const char* kUnitNames[] = {"word", "char", "char_wb"};  // in the order of Unit

// Runs of at least two word characters.
Spans FindWords(std::string_view text) {
  Spans words;
  std::size_t begin = 0;
  std::size_t length = 0;  // code points
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (IsWordCharacter(NextCodePoint(text, at))) {
      if (length++ == 0) begin = start;
      continue;
    }
    if (length >= 2) words.emplace_back(begin, start);
    length = 0;
  }
  if (length >= 2) words.emplace_back(begin, text.size());
  return words;
}

// Where each code point begins, and the end.
std::vector<std::size_t> FindCharacters(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size();) {
    starts.push_back(at);
    NextCodePoint(text, at);
  }
  starts.push_back(text.size());
  return starts;
}

// Runs of two or more spaces become one space, as scikit-learn does before it counts characters.
std::string JoinSpaces(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    std::size_t spaces = 0;
    std::size_t end = at;
    while (at < text.size() && IsSpace(NextCodePoint(text, at))) {
      ++spaces;
      end = at;
    }
    if (spaces >= 2) {
      out += ' ';
      at = end;
    } else {
      at = begin;
      NextCodePoint(text, at);
      out += text.substr(begin, at - begin);
    }
  }
  return out;
}

Spans FindUnspaced(std::string_view text) {
  Spans words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (!IsSpace(NextCodePoint(text, at))) continue;
    if (start > begin) words.emplace_back(begin, start);
    begin = at;
  }
  if (text.size() > begin) words.emplace_back(begin, text.size());
  return words;
}

// One word is a list of one word, but nobody means that by `stop_words: german`.
void CheckLanguage(const Json& words, plugins::Problems& problems) {
  if (words.size() != 1) return;
  for (const char* language : {"arabic", "chinese", "dutch", "french", "german", "italian",
                               "japanese", "portuguese", "russian", "spanish", "turkish"}) {
    if (words[0] != language) continue;
    problems.Add("/stop_words", fmt::format("there is no list of {} stop words", language),
                 "english is built in; give others as a list of words");
  }
}

}  // namespace

void CheckAnalyzer(const AnalyzerParams& params, plugins::Problems& problems) {
  if (params.ngram_range.size() != 2 || params.ngram_range[0] < 1 ||
      params.ngram_range[0] > params.ngram_range[1]) {
    problems.Add("/ngram_range", "the ngram_range does not ascend from at least 1",
                 "write it as [1, 2] for words and pairs of words");
  }
  if (params.stop_words.is_null()) return;
  if (params.analyzer != AnalyzerParams::Unit::kWord) {
    problems.Add("/stop_words", "stop_words go with analyzer: word only", "leave them out");
  }
  if (params.stop_words.is_array()) CheckLanguage(params.stop_words, problems);
}

TextAnalyzer TextAnalyzer::Make(const AnalyzerParams& params) {
  TextAnalyzer analyzer(params);
  if (params.stop_words.is_array()) {
    for (const Json& word : params.stop_words) {
      analyzer.stop_words_.insert(word.get<std::string>());
    }
  } else if (!params.stop_words.is_null()) {
    for (const std::string_view word : EnglishStopWords()) analyzer.stop_words_.emplace(word);
  }
  return analyzer;
}

Result<TextAnalyzer> TextAnalyzer::Load(const Json& saved) {
  AnalyzerParams params;
  params.lowercase = saved.at("lowercase").get<bool>();
  params.ngram_range = saved.at("ngram_range").get<std::vector<int>>();
  if (saved.contains("stop_words")) params.stop_words = saved.at("stop_words");
  const auto unit = saved.at("analyzer").get<std::string>();
  for (int i = 0; i < 3; ++i) {
    if (unit == kUnitNames[i]) params.analyzer = static_cast<Unit>(i);
  }
  plugins::Problems problems;
  CheckAnalyzer(params, problems);
  const std::vector<ParamProblem> found = problems.Take();
  if (!found.empty()) return Error::Invalid(found.front().message, found.front().hint);
  return Make(params);
}

Json TextAnalyzer::Save() const {
  Json saved = {{"lowercase", params_.lowercase},
                {"analyzer", kUnitNames[static_cast<int>(params_.analyzer)]},
                {"ngram_range", params_.ngram_range}};
  if (!params_.stop_words.is_null()) saved["stop_words"] = params_.stop_words;
  return saved;
}

void TextAnalyzer::ForEachTerm(std::string_view text, const Visit& visit) const {
  const std::string seen = params_.lowercase ? ToLower(text) : std::string(text);
  switch (params_.analyzer) {
    case Unit::kWord:
      return VisitWords(seen, visit);
    case Unit::kChar:
      return VisitChars(JoinSpaces(seen), visit);
    case Unit::kCharInWords:
      return VisitCharsInWords(seen, visit);
  }
}

void TextAnalyzer::VisitWords(const std::string& text, const Visit& visit) const {
  Spans words = FindWords(text);
  const auto word = [&](std::size_t i) {
    return std::string_view(text).substr(words[i].first, words[i].second - words[i].first);
  };
  if (!stop_words_.empty()) {
    std::erase_if(words, [&](const auto& span) {
      return stop_words_.contains(text.substr(span.first, span.second - span.first));
    });
  }
  std::string joined;
  for (auto n = static_cast<std::size_t>(params_.ngram_range[0]);
       n <= static_cast<std::size_t>(params_.ngram_range[1]) && n <= words.size(); ++n) {
    for (std::size_t i = 0; i + n <= words.size(); ++i) {
      if (n == 1) {
        visit(word(i));
        continue;
      }
      joined = word(i);
      for (std::size_t k = 1; k < n; ++k) (joined += ' ') += word(i + k);
      visit(joined);
    }
  }
}

void TextAnalyzer::VisitChars(const std::string& text, const Visit& visit) const {
  const std::vector<std::size_t> starts = FindCharacters(text);
  const std::size_t count = starts.size() - 1;
  for (auto n = static_cast<std::size_t>(params_.ngram_range[0]);
       n <= static_cast<std::size_t>(params_.ngram_range[1]) && n <= count; ++n) {
    for (std::size_t i = 0; i + n <= count; ++i) {
      visit(std::string_view(text).substr(starts[i], starts[i + n] - starts[i]));
    }
  }
}

// Words get a space on both sides; one that is shorter than n is a term itself, once.
void TextAnalyzer::VisitCharsInWords(const std::string& text, const Visit& visit) const {
  std::string padded;
  for (const auto& [begin, end] : FindUnspaced(text)) {
    padded.assign(1, ' ').append(text, begin, end - begin).append(1, ' ');
    const std::vector<std::size_t> starts = FindCharacters(padded);
    const std::size_t count = starts.size() - 1;
    for (auto n = static_cast<std::size_t>(params_.ngram_range[0]);
         n <= static_cast<std::size_t>(params_.ngram_range[1]); ++n) {
      if (n >= count) {
        visit(padded);
        break;
      }
      for (std::size_t i = 0; i + n <= count; ++i) {
        visit(std::string_view(padded).substr(starts[i], starts[i + n] - starts[i]));
      }
    }
  }
}

}  // namespace dml::steps
