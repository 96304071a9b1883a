#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::steps {

// Tables of a few rows, written as JSON, and transforms fitted to them by name.
class TransformLab {
 public:
  // {"a": [1.5, null], "color": ["red", null], ...}: integers become int64, other numbers float64,
  // true and false bool, text a category. A name with a type, such as "text:string", says
  // otherwise. In partitions of `partition_rows` rows (0: one).
  table::Table Table(const Json& columns, std::uint64_t partition_rows = 0);
  RowView Rows(const Json& columns, std::uint64_t partition_rows = 0);

  static Result<FittedTransformPtr> Fit(const std::string& transform, const Json& params,
                                        const RowView& rows, int threads = 1);
  // Fits a transform to rows and shows them through it.
  static Result<RowView> FitApply(const std::string& transform, const Json& params,
                                  const RowView& rows, int threads = 1);

  // Every feature as text by row, missing ones empty: a sparse column gives as many as it is wide.
  using Cells = std::map<std::string, std::vector<std::string>>;
  static Result<Cells> Read(const RowView& rows);

 private:
  table::TempDir folder_;
  int tables_ = 0;
};

// The message and hint of a failure, "" if there is none.
template <typename T>
std::string Failure(const Result<T>& result) {
  return result.ok() ? "" : result.error().Render();
}

}  // namespace dml::steps
