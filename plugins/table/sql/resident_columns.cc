#include "plugins/table/sql/resident_columns.h"

namespace dml::sql {

Result<ResidentColumns> ResidentColumns::Read(const table::Table& table,
                                              const std::vector<std::string>& names,
                                              const std::stop_token& stop) {
  ResidentColumns out;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    if (stop.stop_requested()) return Error::Cancelled("stopped");
    out.first_rows_.push_back(out.rows_);
    out.rows_ += table.partition_rows(p);
    if (names.empty()) {
      out.batches_.push_back({{}, {}, static_cast<std::size_t>(table.partition_rows(p)), 0});
      continue;
    }
    DML_TRY(table::Batch batch, table.Read(p, names));
    out.batches_.push_back(std::move(batch));
  }
  return out;
}

}  // namespace dml::sql
