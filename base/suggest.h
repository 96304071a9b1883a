#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dml {

// The candidate closest to `word` by edit distance (with transpositions, ignoring case), or ""
// when none is close enough to be what the user meant: never one of which every letter would be
// wrong. A word that is a part of a candidate's name
// is close too: "kmeans" and "train.log" are for "train.kmeans" and "train.logistic_regression".
// Ties go to the first candidate.
std::string Nearest(std::string_view word, std::span<const std::string> candidates);

// "did you mean 'x'?" or "".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace dml
