#include "plugins/steps/evaluation/unseen_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/suggest.h"

namespace dml::steps {

namespace {

constexpr std::size_t kNamed = 10;

std::string Rows(std::uint64_t count) {
  return fmt::format("{} row{}", count, count == 1 ? "" : "s");
}

// "'a', 'b' and 3 more", each as `text` writes it.
template <typename Text>
std::string Listed(std::size_t count, const Text& text) {
  std::string out;
  for (std::size_t i = 0; i < std::min(count, kNamed); ++i) {
    out += (i == 0 ? "" : ", ") + text(i);
  }
  if (count > kNamed) out += fmt::format(" and {} more", count - kNamed);
  return out;
}

std::string Listed(const std::vector<std::string>& labels) {
  return Listed(labels.size(), [&](std::size_t i) { return fmt::format("'{}'", labels[i]); });
}

}  // namespace

Result<std::vector<std::string>> FindUnseenClasses(const RowView& values, const Target& known) {
  DML_TRY(std::vector<std::string> found, ClassesIn(values));
  const std::size_t all = found.size();
  const std::set<std::string_view> classes(known.classes.begin(), known.classes.end());
  std::erase_if(found, [&](const std::string& label) { return classes.contains(label); });
  if (found.size() == all) {
    std::string hint = DidYouMean(found.front(), known.classes);
    if (hint.empty()) hint = "write the target as the training rows do";
    return Error::Invalid(
        fmt::format("the model knows none of the classes of '{}', {}: its classes are {}",
                    known.column, Listed(found), Listed(known.classes)),
        std::move(hint));
  }
  if (found.size() > kUnseenClassesMax) {
    return Error::Invalid(
        fmt::format("'{}' has {} classes that the model has never seen, and {} are the most",
                    known.column, found.size(), kUnseenClassesMax),
        "evaluate on rows like those of training, or filter these out");
  }
  return found;
}

void AppendUnseenClasses(const std::vector<std::string>& unseen, ModelOutput& all,
                         std::vector<std::string>& classes, std::vector<std::string>& warnings) {
  if (unseen.empty()) return;
  const std::size_t known = classes.size();
  const auto weight = [&](std::size_t row) { return all.weight.empty() ? 1.0 : all.weight[row]; };
  std::vector<std::uint64_t> rows(known + unseen.size());
  for (std::size_t row = 0; row < all.y.size(); ++row) {
    if (weight(row) > 0) ++rows[static_cast<std::size_t>(all.y[row])];
  }
  std::vector<double> index(rows.size());
  std::vector<std::uint64_t> rows_of_unseen;
  std::uint64_t missed = 0;
  std::uint64_t others = 0;
  for (std::size_t c = 0; c < rows.size(); ++c) {
    if (c < known) {
      index[c] = static_cast<double>(c);
      others += rows[c];
    } else if (rows[c] > 0) {
      index[c] = static_cast<double>(classes.size());
      classes.push_back(unseen[c - known]);
      rows_of_unseen.push_back(rows[c]);
      missed += rows[c];
    }
  }
  for (double& truth : all.y) truth = index[static_cast<std::size_t>(truth)];
  if (missed == 0) return;
  warnings.push_back(fmt::format(
      "{} of {} {} of {} that the model has never seen: {}. They count as errors in every figure "
      "that counts decisions; roc_auc, average_precision, log_loss, brier_score, the curves and "
      "the "
      "gains are of the other {}",
      missed, Rows(missed + others), missed == 1 ? "is" : "are",
      rows_of_unseen.size() == 1 ? "a class" : fmt::format("{} classes", rows_of_unseen.size()),
      Listed(rows_of_unseen.size(),
             [&](std::size_t i) {
               return fmt::format("'{}' ({})", classes[known + i], Rows(rows_of_unseen[i]));
             }),
      Rows(others)));
}

}  // namespace dml::steps
