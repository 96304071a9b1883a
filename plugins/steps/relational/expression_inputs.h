#pragma once

#include <string_view>
#include <vector>

#include "plugins/steps/relational/sql_context.h"
#include "plugins/table/batch.h"

namespace dml::steps {

// What expressions inside a model have to remember of the columns that they were written for.

// The columns that the expressions may mean.
[[nodiscard]] table::Schema MentionedColumns(const std::vector<sql::UserText>& texts,
                                             const table::Schema& schema);

// The rows as the expressions knew them when the model learnt: 1 / 2 is 0 and 1.0 / 2 is 0.5, so a
// column of whole numbers must not become one of decimals because of how a file is written. A
// decimal in it is kInvalid; `transform` is what the advice calls the owner of the expressions.
Result<table::Batch> WithNumbersAs(const table::Schema& inputs, table::Batch batch,
                                   std::string_view transform);

}  // namespace dml::steps
