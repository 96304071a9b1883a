#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/table/load.h"

namespace dml::steps {

// Parameters that several readers share: their declarations, and what their values mean.

// A file or glob, or a list of them.
[[nodiscard]] ParamSpec PathsSpec();
// The files in the order of the list, matches of one glob sorted. A path that exists as it is
// written is not a glob. kInvalid if a glob matches nothing.
Result<std::vector<std::string>> PathsOf(const Json& paths);

// The step type with the parameter that says which node has its files. They are read wherever they
// are: the language deals with the node, and no reader hears of it.
[[nodiscard]] plugins::StepType FromAnyNode(plugins::StepType type);

// Types by column.
[[nodiscard]] ParamSpec ColumnTypesSpec();
Result<std::map<std::string, table::ColumnType>> ColumnTypesOf(const Json& types);

// Names of columns. It has no default, so a task that does not set it keeps its key.
[[nodiscard]] ParamSpec ColumnNamesSpec();

// auto, a number, or a size.
[[nodiscard]] ParamSpec PartitionsSpec();
Result<table::Partitioning> PartitioningOf(const Json& partitions);

// Rules for the parameter `partitions`, and for a list of names of columns at `at`.
void CheckPartitions(const Json& partitions, plugins::Problems& problems);
void CheckNames(const std::string& at, const std::vector<std::string>& names,
                plugins::Problems& problems);

inline constexpr char kPathsDoc[] =
    "file, glob or list of them, read in this order; .gz and .zst are recognised by content";
inline constexpr char kColumnTypesDoc[] =
    "types by column, instead of inference: float64, float32, int64, bool, timestamp, category, "
    "string";
inline constexpr char kAsTextDoc[] =
    "columns to read as text, whatever their cells look like, if they are there and not in types";
inline constexpr char kPartitionsDoc[] = "auto, a number of partitions, or a size such as 64Mi";

}  // namespace dml::steps
