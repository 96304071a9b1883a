#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace dml::steps {

// Choosing the rows to put aside. Every choice is a function of (seed, row id) and of the values
// given, so partitions and threads do not matter. `test_size` in (0, 1); the number of test rows is
// ceil(test_size * rows), as in scikit-learn. One flag a row: true means test.

using RowFlags = std::vector<bool>;

RowFlags HoldOutRandom(std::uint64_t rows, double test_size, std::uint64_t seed);

// Every class keeps its share, by largest remainders (ties to the lower class). `classes` holds a
// class number from 0 for every row. A class with a single row is kInvalid: it cannot be on both
// sides.
Result<RowFlags> HoldOutStratified(std::span<const std::uint32_t> classes, double test_size,
                                   std::uint64_t seed);

// Whole groups go to the test side, in random order, until it has enough rows.
RowFlags HoldOutGroups(std::span<const std::uint32_t> groups, double test_size, std::uint64_t seed);

// The latest rows by `times`; equal times stay together on the training side.
RowFlags HoldOutLatest(std::span<const double> times, double test_size);

// Folds for cross-validation: a number from 0 to folds - 1 for every row, which is the fold that
// tests on it. Functions of the arguments alone, like the choices above. Fewer than two folds, and
// fewer rows, classes' rows or groups than folds, are kInvalid.

// The first rows % folds folds have one row more than the others, as scikit-learn's KFold.
Result<std::vector<std::uint32_t>> AssignFolds(std::uint64_t rows, std::uint64_t folds,
                                               std::uint64_t seed);

// Every fold holds rows / folds rows of the whole and of each class, rounded up or down, as
// scikit-learn's StratifiedKFold. `classes` holds a class number from 0 for every row. Classes
// smaller than `folds` are absent from some folds; it is an error only if all are.
Result<std::vector<std::uint32_t>> AssignFoldsStratified(std::span<const std::uint32_t> classes,
                                                         std::uint64_t folds, std::uint64_t seed);

// Rows of a group share a fold. The largest group goes first, each to the fold with the fewest
// rows, as scikit-learn's GroupKFold; the seed decides among groups of one size.
Result<std::vector<std::uint32_t>> AssignFoldsGrouped(std::span<const std::uint32_t> groups,
                                                      std::uint64_t folds, std::uint64_t seed);

}  // namespace dml::steps
