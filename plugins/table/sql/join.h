#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plugins/table/load.h"
#include "plugins/table/sql/query.h"
#include "plugins/table/table.h"

namespace dml::sql {

enum class JoinKind { kInner, kLeft, kRight, kFull };

struct JoinOptions {
  JoinKind kind = JoinKind::kInner;
  std::vector<std::pair<std::string, std::string>> on;  // key columns: of the left, of the right
  std::string suffix = "_right";  // for a column of the right that has a name of the left
  std::string scratch_dir;
};

// Joins rows whose keys are equal: numbers by value, whatever their type, texts bytewise, times by
// instant; a missing cell equals nothing. The columns are those of the left, then those of the
// right without its keys. The order is that of the left, for each row the matches in the order of
// the right; right and full joins end with the rows of the right that match nothing, whose keys
// stand in the key columns of the left. Partitions follow those of the left; one that grows beyond
// 2^20 rows is cut.
Result<QueryResult> Join(const table::Table& left, const table::Table& right,
                         const JoinOptions& options, const table::LoadExecution& execution,
                         const std::string& directory);

}  // namespace dml::sql
