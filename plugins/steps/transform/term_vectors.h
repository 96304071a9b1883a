#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugins/steps/transform/feature_block.h"
#include "plugins/table/batch.h"

namespace dml::steps {

// What the term weights of one row are divided by, so that long and short texts compare.
enum class TermNorm { kL1, kL2, kNone };

inline const std::vector<std::pair<std::string, TermNorm>> kTermNorms = {
    {"l2", TermNorm::kL2}, {"l1", TermNorm::kL1}, {"none", TermNorm::kNone}};

// Divides the values of a block from `begin` on, those of one row, by their norm.
void NormalizeRow(FeatureBlock& block, std::size_t begin, TermNorm norm);

// The column of a batch to read terms from; kInvalid unless it holds text.
Result<const table::Column*> FindText(const table::Batch& batch, const std::string& column);

// kInvalid unless there are columns, and every one of them exists and holds text.
Result<void> RequireText(const table::Schema& schema, const std::vector<std::string>& columns);

}  // namespace dml::steps
