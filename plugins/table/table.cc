#include "plugins/table/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "base/files.h"
#include "plugins/table/partition_file.h"

namespace dml::table {

namespace {

// A category column of the whole table: one dictionary, and how each partition's codes map to it.
struct UnifiedCategory {
  std::shared_ptr<const Dictionary> dictionary;
  std::vector<std::vector<std::int32_t>> recode;  // by partition; empty: codes stay
};

Result<UnifiedCategory> Unify(const std::vector<PartitionFile>& partitions, const Field& field) {
  std::vector<Dictionary> parts;
  std::set<std::string> all;
  for (const PartitionFile& partition : partitions) {
    DML_TRY(Dictionary part, partition.ReadDictionary(field));
    all.insert(part.begin(), part.end());
    parts.push_back(std::move(part));
  }
  auto dictionary = std::make_shared<const Dictionary>(all.begin(), all.end());
  UnifiedCategory unified{dictionary, {}};
  for (const Dictionary& part : parts) {
    std::vector<std::int32_t> recode;
    if (part != *dictionary) {
      for (const std::string& text : part) {
        const auto at = std::ranges::lower_bound(*dictionary, text);
        recode.push_back(static_cast<std::int32_t>(at - dictionary->begin()));
      }
    }
    unified.recode.push_back(std::move(recode));
  }
  return unified;
}

struct Index {
  Schema schema;
  std::vector<std::uint64_t> rows;
};

Result<Index> ParseIndex(const std::string& path) {
  DML_TRY(const std::string text, ReadFile(path));
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto bad = [&](std::string_view why) {
    return Error::Invalid(fmt::format("'{}' is not a table: {}", path, why));
  };
  if (!json.is_object() || json.value("format", Json()) != "dml.table") {
    return bad("its index is not that of a dml table");
  }
  if (json.value("version", Json()) != kPartitionVersion) {
    return bad("its version is not one that this dml reads");
  }
  Index index;
  DML_TRY(index.schema, Schema::FromJson(json.value("schema", Json())));
  const Json partitions = json.value("partitions", Json());
  if (!partitions.is_array()) return bad("its list of partitions is malformed");
  for (const Json& partition : partitions) {
    const Json rows = partition.is_object() ? partition.value("rows", Json()) : Json();
    if (!rows.is_number_unsigned()) return bad("its list of partitions is malformed");
    index.rows.push_back(rows.get<std::uint64_t>());
  }
  return index;
}

}  // namespace

struct Table::State {
  Schema schema;
  std::vector<PartitionFile> partitions;
  std::vector<std::uint64_t> first_rows;  // one more than partitions; the last is the total
  std::map<std::string, UnifiedCategory, std::less<>> categories;
};

Result<Table> Table::Open(const std::vector<ArtifactFile>& files) {
  std::map<std::string, std::string> paths;
  for (const ArtifactFile& file : files) paths[file.name] = file.path;
  const auto index_path = paths.find("table.json");
  if (index_path == paths.end()) {
    return Error::Invalid("this is not a table: table.json is missing");
  }
  DML_TRY(const Index index, ParseIndex(index_path->second));
  auto state = std::make_shared<State>();
  state->schema = index.schema;
  state->first_rows.push_back(0);
  for (std::size_t i = 0; i < index.rows.size(); ++i) {
    const auto path = paths.find(PartitionFileName(i));
    if (path == paths.end()) {
      return Error::Invalid(fmt::format("the table lacks its file {}", PartitionFileName(i)));
    }
    DML_TRY(auto file, TensorFile::Open(path->second));
    DML_TRY(PartitionFile partition, PartitionFile::Open(std::move(file), path->second));
    if (partition.rows() != index.rows[i] || !(partition.schema() == index.schema)) {
      return Error::Invalid(fmt::format("'{}' does not fit table.json", path->second),
                            "produce the table again");
    }
    state->first_rows.push_back(state->first_rows.back() + partition.rows());
    state->partitions.push_back(std::move(partition));
  }
  for (const Field& field : state->schema.fields) {
    if (field.type != ColumnType::kCategory) continue;
    DML_TRY(state->categories[field.name], Unify(state->partitions, field));
  }
  Table table;
  table.state_ = std::move(state);
  return table;
}

Result<Table> Table::OpenDirectory(const std::string& directory) {
  DML_TRY(const Index index, ParseIndex(directory + "/table.json"));
  std::vector<ArtifactFile> files{{"table.json", directory + "/table.json", 0, {}}};
  for (std::size_t i = 0; i < index.rows.size(); ++i) {
    files.push_back({PartitionFileName(i), directory + "/" + PartitionFileName(i), 0, {}});
  }
  return Open(files);
}

const Schema& Table::schema() const { return state_->schema; }
std::uint64_t Table::rows() const { return state_->first_rows.back(); }
std::size_t Table::partition_count() const { return state_->partitions.size(); }

std::uint64_t Table::partition_rows(std::size_t partition) const {
  return state_->partitions.at(partition).rows();
}

Result<Batch> Table::Read(std::size_t partition, const std::vector<std::string>& columns) const {
  DML_CHECK(partition < partition_count(), "the partition exists");
  const PartitionFile& file = state_->partitions[partition];
  Batch batch{{}, {}, file.rows(), state_->first_rows[partition]};
  const std::size_t count = columns.empty() ? state_->schema.fields.size() : columns.size();
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t index = i;
    if (!columns.empty()) {
      DML_TRY(index, state_->schema.Find(columns[i]));
    }
    const Field& field = state_->schema.fields[index];
    const auto category = state_->categories.find(field.name);
    const bool coded = category != state_->categories.end();
    DML_TRY(Column column, coded ? file.ReadColumn(field, category->second.dictionary,
                                                   category->second.recode[partition])
                                 : file.ReadColumn(field));
    batch.schema.fields.push_back(field);
    batch.columns.push_back(std::move(column));
  }
  return batch;
}

Result<std::shared_ptr<const Dictionary>> Table::dictionary(std::string_view column) const {
  const auto found = state_->categories.find(column);
  if (found != state_->categories.end()) return found->second.dictionary;
  DML_TRY(const std::size_t index, state_->schema.Find(column));
  return Error::Invalid(fmt::format("column '{}' is {}, not category", column,
                                    ColumnTypeName(state_->schema.fields[index].type)));
}

struct TableWriter::State {
  std::string directory;
  Schema schema;
  std::mutex mutex;
  std::map<std::size_t, std::uint64_t> rows;  // guarded by mutex
};

TableWriter::TableWriter(std::string directory, Schema schema) : state_(std::make_unique<State>()) {
  state_->directory = std::move(directory);
  state_->schema = std::move(schema);
}
TableWriter::~TableWriter() = default;

Result<void> TableWriter::Write(std::size_t partition, const Batch& batch) {
  DML_CHECK(batch.schema == state_->schema, "a batch has the schema of its table");
  DML_RETURN_IF_ERROR(
      WritePartitionFile(state_->directory + "/" + PartitionFileName(partition), batch));
  const std::scoped_lock lock(state_->mutex);
  state_->rows[partition] = batch.rows;
  return {};
}

Result<void> TableWriter::Finish() {
  std::vector<std::uint64_t> rows;
  for (const auto& [partition, count] : state_->rows) {
    DML_CHECK(partition == rows.size(), "partition numbers are dense");
    rows.push_back(count);
  }
  return WriteTableIndex(state_->directory, state_->schema, rows);
}

}  // namespace dml::table
