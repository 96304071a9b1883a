#include "base/suggest.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace dml {

namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Optimal string alignment distance: insertions, deletions, substitutions, swaps of neighbours.
std::size_t EditDistance(const std::string& a, const std::string& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i * width] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      std::size_t best = std::min({cost[(i - 1) * width + j] + 1, cost[i * width + j - 1] + 1,
                                   cost[(i - 1) * width + j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) best = std::min(best, cost[(i - 2) * width + j - 2] + 1);
      cost[i * width + j] = best;
    }
  }
  return cost.back();
}

// Without the dashes of an option.
std::size_t LettersOf(std::string_view word) {
  return word.size() - std::min(word.find_first_not_of('-'), word.size());
}

constexpr std::size_t kWordLengthMax = 200;
constexpr std::size_t kPartLengthMin = 3;

struct Name {
  std::string_view family;  // "train"; empty without a dot
  std::string_view own;     // "random_forest"
};

Name SplitName(std::string_view text) {
  const std::size_t dot = text.rfind('.');
  if (dot == std::string_view::npos) return {{}, text};
  return {text.substr(0, dot), text.substr(dot + 1)};
}

// How well `word` fits as a part of `candidate`: 3 all of its own name, 2 the beginning, 1 from a
// later word of it on, 0 not at all.
int PartRank(const Name& word, const Name& candidate) {
  if (!word.family.empty() && word.family != candidate.family) return 0;
  if (word.own == candidate.own) return 3;
  if (candidate.own.starts_with(word.own)) return 2;
  for (std::size_t at = candidate.own.find(word.own); at != std::string_view::npos;
       at = candidate.own.find(word.own, at + 1)) {
    if (candidate.own[at - 1] == '_') return 1;
  }
  return 0;
}

// The candidate that `word`, in lower case, is a part of, or "".
std::string NearestByPart(const std::string& word, std::span<const std::string> candidates) {
  const Name name = SplitName(word);
  std::string best;
  int best_rank = 0;
  for (const std::string& candidate : candidates) {
    if (name.own.size() < kPartLengthMin) break;
    const std::string lowered = Lower(candidate);
    const int rank = PartRank(name, SplitName(lowered));
    if (rank <= best_rank) continue;
    best = candidate;
    best_rank = rank;
  }
  return best;
}

}  // namespace

std::string Nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::size_t letters = LettersOf(word);
  if (letters == 0 || word.size() > kWordLengthMax) return {};
  const std::string lowered = Lower(word);
  std::string best;
  // A third of the word may be wrong; a longer edit is a different word.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kWordLengthMax) continue;
    // The difference of the lengths is the least that an edit costs.
    const std::size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) >= best_distance) continue;
    const std::size_t distance = EditDistance(lowered, Lower(candidate));
    // So is one of every letter: 'a' is not what 'z' was to be, nor '-S' what '-k' was.
    if (distance >= std::max(letters, LettersOf(candidate))) continue;
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? NearestByPart(lowered, candidates) : best;
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::string nearest = Nearest(word, candidates);
  return nearest.empty() ? std::string() : "did you mean '" + nearest + "'?";
}

}  // namespace dml
