#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace dml::steps {

// Choosing rows. Every choice is a function of (seed, row number) and of the values given, so
// partitions and threads do not matter. Counts are of rows; classes and groups are numbers from 0,
// one a row.

// Which output of a split a row goes to.
enum class Side : std::uint8_t { kTrain, kTest, kNeither };
using RowSides = std::vector<Side>;

// Whether `got` rows are within 5 points of the share that was asked for, of all `rows`. Splits
// that keep rows together warn when they are not.
bool NearAskedShare(std::uint64_t got, std::uint64_t asked, std::uint64_t rows);

// `test_rows` rows at random; 0 < test_rows < rows.
RowSides HoldOutRandom(std::uint64_t rows, std::uint64_t test_rows, std::uint64_t seed);

// Every class keeps its share, by largest remainders (ties to the lower class). kInvalid if one
// side is too small for one row of each class. A class with a single row cannot be on both sides:
// callers refuse it with its name.
Result<RowSides> HoldOutStratified(std::span<const std::uint32_t> classes, std::uint64_t test_rows,
                                   std::uint64_t seed);

// Whole groups chosen at random, whose rows come as near to `test_rows` as groups can
// (nearest_groups.h). Both sides have a group. kInvalid for a single group.
Result<RowSides> HoldOutGroups(std::span<const std::uint32_t> groups, std::uint64_t test_rows,
                               std::uint64_t seed);

// The latest rows by `times`; equal times stay together on the training side. kInvalid if that
// leaves no row to test on.
Result<RowSides> HoldOutLatest(std::span<const double> times, std::uint64_t test_rows);

// The last rows as they stand.
RowSides HoldOutLast(std::uint64_t rows, std::uint64_t test_rows);

// Sampling: how often every row is drawn, `count` draws in all. Without replacement no row is drawn
// twice, and count <= rows.
enum class Replacement : std::uint8_t { kNo, kYes };
using RowCopies = std::vector<std::uint32_t>;
RowCopies DrawRows(std::uint64_t rows, std::uint64_t count, Replacement replacement,
                   std::uint64_t seed);
// The same, every class by its share of the rows (largest remainders, ties to the lower class).
RowCopies DrawRowsStratified(std::span<const std::uint32_t> classes, std::uint64_t count,
                             Replacement replacement, std::uint64_t seed);

// Folds for cross-validation: a number from 0 to folds - 1 for every row, which is the fold that
// tests on it. Fewer than two folds, and fewer rows, classes' rows or groups than folds, are
// kInvalid.

// The first rows % folds folds have one row more than the others, as scikit-learn's KFold.
Result<std::vector<std::uint32_t>> AssignFolds(std::uint64_t rows, std::uint64_t folds,
                                               std::uint64_t seed);

// Every fold holds rows / folds rows of the whole and of each class, rounded up or down, as
// scikit-learn's StratifiedKFold. Classes smaller than `folds` are absent from some folds; it is an
// error only if all are.
Result<std::vector<std::uint32_t>> AssignFoldsStratified(std::span<const std::uint32_t> classes,
                                                         std::uint64_t folds, std::uint64_t seed);

// Rows of a group share a fold. The largest group goes first, each to the fold with the fewest
// rows, as scikit-learn's GroupKFold; the seed decides among groups of one size.
Result<std::vector<std::uint32_t>> AssignFoldsGrouped(std::span<const std::uint32_t> groups,
                                                      std::uint64_t folds, std::uint64_t seed);

// Consecutive rows share a fold, as scikit-learn's KFold without shuffling.
Result<std::vector<std::uint32_t>> AssignFoldsInOrder(std::uint64_t rows, std::uint64_t folds);

// Fold `fold` of a time series, as scikit-learn's TimeSeriesSplit: the rows in order of time are
// cut into folds + 1 stretches; the fold tests on stretch fold + 1 and trains on all before it.
// Equal times stay together on the earlier side.
Result<RowSides> SeriesFold(std::span<const double> times, std::uint64_t folds, std::uint64_t fold);

}  // namespace dml::steps
