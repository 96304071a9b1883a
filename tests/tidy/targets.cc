#include "tests/tidy/targets.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace dml::tidy {

namespace {

// Parentheses stand alone, remarks are gone.
std::vector<std::string> WordsOfCMake(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string spaced;
    for (const char c : line.substr(0, line.find('#'))) {
      spaced += c == '(' || c == ')' ? std::string{' ', c, ' '} : std::string(1, c);
    }
    std::istringstream pieces(spaced);
    for (std::string word; pieces >> word;) words.push_back(word);
  }
  return words;
}

}  // namespace

std::vector<Target> TargetsOf(const std::string& text) {
  const std::vector<std::string> words = WordsOfCMake(text);
  std::vector<Target> targets;
  for (std::size_t at = 0; at + 2 < words.size(); ++at) {
    if ((words[at] != "dml_module" && words[at] != "dml_test") || words[at + 1] != "(") continue;
    Target target{words[at + 2], {}};
    std::vector<std::string> alone;
    std::string list;
    for (at += 3; at < words.size() && words[at] != ")"; ++at) {
      if (!words[at].ends_with(".cc")) {
        list = words[at];
      } else if (list == "SOURCES") {
        target.sources.push_back(words[at]);
      } else if (list == "ALONE") {
        alone.push_back(words[at]);
      }
    }
    std::erase_if(target.sources, [&](const std::string& source) {
      return std::ranges::find(alone, source) != alone.end();
    });
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace dml::tidy
