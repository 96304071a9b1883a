#pragma once

#include <functional>

#include "plugins/table/load.h"

namespace dml::table {

// Calls work(0) ... work(count - 1) on the threads of `execution`, in any order. After a failure
// or a request to stop no new call begins; the failure of the lowest number is returned.
Result<void> ForEachPartition(std::size_t count, const LoadExecution& execution,
                              const std::function<Result<void>(std::size_t)>& work);

}  // namespace dml::table
