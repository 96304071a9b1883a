#include "plugins/table/sql/deduplicate.h"

#include <fmt/format.h>

#include "plugins/table/sql/key_cells.h"

namespace dml::sql {

Result<Duplicates> Duplicates::Find(const table::Table& table, const std::vector<std::string>& keys,
                                    const IndexOptions& options) {
  for (const std::string& key : keys) {
    DML_TRY(const std::size_t index, table.schema().Find(key));
    if (table.schema().fields[index].type != table::ColumnType::kSparse) continue;
    return Error::Invalid(fmt::format("column '{}' is sparse and cannot be a key", key),
                          "name the columns that tell rows apart");
  }
  DML_TRY(ResidentColumns resident, ResidentColumns::Read(table, keys, options.stop));
  DML_TRY(RowIndex index, RowIndex::Build(resident, RowIndex::Missing::kKeep, options));
  return Duplicates(std::move(resident), std::move(index));
}

bool Duplicates::Same(std::uint32_t a, std::uint32_t b) const {
  const ResidentColumns::Place at = keys_.Find(a);
  const ResidentColumns::Place other = keys_.Find(b);
  for (std::size_t k = 0; k < keys_.batch(at.partition).columns.size(); ++k) {
    if (!SameCell(keys_.column(at.partition, k), at.row, keys_.column(other.partition, k),
                  other.row)) {
      return false;
    }
  }
  return true;
}

std::vector<std::uint32_t> Duplicates::Kept(std::size_t partition, Keep keep) const {
  const table::Batch& batch = keys_.batch(partition);
  const KeyHashes hashes = HashKeys(batch);
  std::vector<std::uint32_t> kept;
  for (std::uint32_t local = 0; local < batch.rows; ++local) {
    const auto row = static_cast<std::uint32_t>(batch.first_row + local);
    bool stays = true;
    if (keep != Keep::kLast) {
      std::uint32_t first = index_.First(hashes.hashes[local]);
      while (first != row && !Same(first, row)) first = index_.Next(first);
      stays = first == row;
    }
    if (stays && keep != Keep::kFirst) {
      std::uint32_t next = index_.Next(row);
      while (next != RowIndex::kNone && !Same(next, row)) next = index_.Next(next);
      stays = next == RowIndex::kNone;
    }
    if (stays) kept.push_back(local);
  }
  return kept;
}

}  // namespace dml::sql
