#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/random.h"
#include "plugins/steps/split/holdout.h"
#include "plugins/steps/split/row_keys.h"

namespace dml::steps {

namespace {

constexpr char kPurpose[] = "folds";

Result<void> CheckFolds(std::uint64_t folds, std::uint64_t available, std::string_view what) {
  if (folds < 2) {
    return Error::Invalid(fmt::format("{} folds leave nothing to train on", folds),
                          "use at least 2 folds");
  }
  if (available >= folds) return {};
  if (available < 2) {
    return Error::Invalid(fmt::format("{} folds need as many {}, and there {} {}", folds, what,
                                      available == 1 ? "is" : "are", available),
                          "no number of folds divides so few: look at the column, and at the "
                          "filters before this step");
  }
  return Error::Invalid(fmt::format("{} {} cannot make {} folds", available, what, folds),
                        fmt::format("use at most {} folds", available));
}

// Deals the rows to the folds in turn: class by class, at random within a class.
std::vector<std::uint32_t> Deal(std::span<const std::uint32_t> classes, std::uint64_t folds,
                                std::uint64_t seed) {
  const Philox random(seed, kPurpose);
  std::vector<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>> order;
  order.reserve(classes.size());
  for (std::uint64_t row = 0; row < classes.size(); ++row) {
    order.emplace_back(classes[row], random.Bits(row), row);
  }
  std::ranges::sort(order);
  std::vector<std::uint32_t> out(classes.size());
  for (std::uint64_t i = 0; i < order.size(); ++i) {
    out[std::get<2>(order[i])] = static_cast<std::uint32_t>(i % folds);
  }
  return out;
}

}  // namespace

Result<std::vector<std::uint32_t>> AssignFolds(std::uint64_t rows, std::uint64_t folds,
                                               std::uint64_t seed) {
  DML_RETURN_IF_ERROR(CheckFolds(folds, rows, "rows"));
  return Deal(std::vector<std::uint32_t>(rows), folds, seed);
}

Result<std::vector<std::uint32_t>> AssignFoldsInOrder(std::uint64_t rows, std::uint64_t folds) {
  DML_RETURN_IF_ERROR(CheckFolds(folds, rows, "rows"));
  std::vector<std::uint32_t> out;
  out.reserve(rows);
  for (std::uint64_t fold = 0; fold < folds; ++fold) {
    const std::uint64_t size = rows / folds + (fold < rows % folds ? 1 : 0);
    out.insert(out.end(), size, static_cast<std::uint32_t>(fold));
  }
  return out;
}

Result<std::vector<std::uint32_t>> AssignFoldsStratified(std::span<const std::uint32_t> classes,
                                                         std::uint64_t folds, std::uint64_t seed) {
  DML_RETURN_IF_ERROR(CheckFolds(folds, classes.size(), "rows"));
  const std::vector<std::uint64_t> sizes = CountEach(classes);
  DML_RETURN_IF_ERROR(CheckFolds(folds, std::ranges::max(sizes), "rows of the largest class"));
  return Deal(classes, folds, seed);
}

Result<std::vector<std::uint32_t>> AssignFoldsGrouped(std::span<const std::uint32_t> groups,
                                                      std::uint64_t folds, std::uint64_t seed) {
  const std::vector<std::uint64_t> sizes = CountEach(groups);
  const auto present = sizes.size() - static_cast<std::size_t>(std::ranges::count(sizes, 0U));
  DML_RETURN_IF_ERROR(CheckFolds(folds, present, "groups"));
  const Philox random(seed, kPurpose);
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> order;
  for (std::size_t group = 0; group < sizes.size(); ++group) {
    order.emplace_back(groups.size() - sizes[group], random.Bits(group), group);
  }
  std::ranges::sort(order);
  std::vector<std::uint64_t> rows_in(folds);
  std::vector<std::uint32_t> fold_of(sizes.size());
  for (const auto& [others, key, group] : order) {
    const auto lightest = std::ranges::min_element(rows_in);
    fold_of[group] = static_cast<std::uint32_t>(lightest - rows_in.begin());
    *lightest += sizes[group];
  }
  std::vector<std::uint32_t> out;
  out.reserve(groups.size());
  for (const std::uint32_t group : groups) out.push_back(fold_of[group]);
  return out;
}

}  // namespace dml::steps
