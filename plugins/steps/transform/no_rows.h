#pragma once

#include "plugins/table/batch.h"

namespace dml::steps {

// A batch of these columns without rows: what a transform makes of it tells the columns of its
// result. In time that grows with the columns, of which there may be a hundred thousand.
[[nodiscard]] table::Batch NoRows(const table::Schema& schema);

}  // namespace dml::steps
