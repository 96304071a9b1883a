// drop, select, rename: which columns there are and what they are called.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/replace_column.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

namespace {

struct ColumnsParams {
  plugins::Columns columns;
};

class Drop final : public FittedTransform {
 public:
  explicit Drop(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  // A column that is not there is dropped already: rows to predict may lack it.
  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const std::string& name : columns_) {
      if (batch.schema.IndexOf(name) >= 0) DML_RETURN_IF_ERROR(RemoveColumn(batch, name));
    }
    return batch;
  }
  Json Save() const override { return {{"columns", columns_}}; }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Drop>(saved.at("columns").get<std::vector<std::string>>());
  }

 private:
  std::vector<std::string> columns_;
};

Result<FittedTransformPtr> FitDrop(const ColumnsParams& params, const RowView& rows,
                                   const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  return MakeFitted<Drop>(std::move(columns));
}

class Select final : public FittedTransform {
 public:
  explicit Select(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    table::Batch out{{}, {}, batch.rows, batch.first_row};
    for (const std::string& name : columns_) {
      DML_TRY(const std::size_t index, batch.schema.Find(name));
      out.schema.fields.push_back(batch.schema.fields[index]);
      out.columns.push_back(batch.columns[index]);
    }
    return out;
  }
  Json Save() const override { return {{"columns", columns_}}; }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Select>(saved.at("columns").get<std::vector<std::string>>());
  }

 private:
  std::vector<std::string> columns_;
};

Result<FittedTransformPtr> FitSelect(const ColumnsParams& params, const RowView& rows,
                                     const learn::Execution&) {
  DML_TRY(auto columns, ResolveColumns(params.columns, rows.schema()));
  return MakeFitted<Select>(std::move(columns));
}

struct RenameParams {
  std::map<std::string, std::string> columns;
};

class Rename final : public FittedTransform {
 public:
  explicit Rename(std::map<std::string, std::string> names) : names_(std::move(names)) {}

  Result<table::Batch> Apply(table::Batch batch) const override {
    for (const auto& [from, to] : names_) DML_RETURN_IF_ERROR(batch.schema.Find(from));
    std::set<std::string> seen;
    for (table::Field& field : batch.schema.fields) {
      const auto found = names_.find(field.name);
      if (found != names_.end()) field.name = found->second;
      if (seen.insert(field.name).second) continue;
      return Error::Invalid(fmt::format("there would be two columns '{}'", field.name),
                            "choose another name, or drop the other column first");
    }
    return batch;
  }
  Json Save() const override { return {{"columns", names_}}; }
  static Result<FittedTransformPtr> Load(const Json& saved) {
    return MakeFitted<Rename>(saved.at("columns").get<std::map<std::string, std::string>>());
  }

 private:
  std::map<std::string, std::string> names_;  // old, new
};

Result<FittedTransformPtr> FitRename(const RenameParams& params, const RowView&,
                                     const learn::Execution&) {
  return MakeFitted<Rename>(params.columns);
}

void CheckSelect(const ColumnsParams& params, plugins::Problems& problems) {
  if (!params.columns.selector.empty() || !params.columns.names.empty()) return;
  problems.Add("/columns", "no column is named, so none would be left", "name the columns to keep");
}

void CheckNewNames(const RenameParams& params, plugins::Problems& problems) {
  std::set<std::string> seen;
  for (const auto& [from, to] : params.columns) {
    const std::string at = (Json::json_pointer("/columns") / from).to_string();
    if (to.empty()) problems.Add(at, fmt::format("the new name of the column '{}' is empty", from));
    if (!seen.insert(to).second) {
      problems.Add(at, fmt::format("there would be two columns '{}'", to), "choose another name");
    }
  }
}

}  // namespace

void AddColumnTransforms(std::vector<TransformType>& types) {
  const auto columns = [](const char* doc) {
    plugins::ParamSchema<ColumnsParams> schema;
    schema.Add("columns", &ColumnsParams::columns, doc).Required();
    return schema;
  };
  plugins::ParamSchema<RenameParams> rename;
  rename.Add("columns", &RenameParams::columns, "old name: new name")
      .Required()
      .Check(CheckNewNames);
  types.push_back(
      MakeTransformType<Select>({"select", "Keep these columns only, in this order", "", {}},
                                columns("columns to keep").Check(CheckSelect), FitSelect));
  types.back().learns = false;
  types.back().spec.columns = SelectedColumns;
  types.push_back(MakeTransformType<Drop>({"drop", "Remove columns", "", {}},
                                          columns("columns to remove"), FitDrop));
  types.back().learns = false;
  types.back().spec.columns = WithoutColumns;
  types.push_back(
      MakeTransformType<Rename>({"rename", "Give columns other names", "", {}}, rename, FitRename));
  types.back().learns = false;
  types.back().spec.columns = RenamedColumns;
  types.back().spec.check_columns = UnknownKeys;
}

}  // namespace dml::steps
