#include "plugins/steps/evaluation/model_rows.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "plugins/steps/transform/cast_column.h"
#include "plugins/steps/transform/chain.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/csv/cell_scan.h"
#include "plugins/table/csv/number.h"

namespace dml::steps {

namespace {

using table::ColumnType;

bool IsText(ColumnType type) {
  return type == ColumnType::kString || type == ColumnType::kCategory;
}

bool IsNumber(ColumnType type) {
  return type == ColumnType::kFloat64 || type == ColumnType::kFloat32 || type == ColumnType::kInt64;
}

// Integers and floats are alike to what follows, and so are the two kinds of text.
bool IsAlike(ColumnType found, ColumnType wanted) {
  return found == wanted || (IsText(found) && IsText(wanted)) ||
         (IsNumber(found) && IsNumber(wanted));
}

// Text can be read as anything and anything can be read as text. But the number of a time or of a
// truth value is not what the model knows: 20200201 is no date.
bool MayBeRead(ColumnType found, ColumnType wanted) { return IsText(found) || IsText(wanted); }

// A column without any value was read as some type for want of a better one.
bool HasValues(const table::Column& column) {
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsValid(row)) return true;
  }
  return false;
}

// Text that spells a number becomes that number's text, as the values of a column of numbers are
// written; other text stays what it is.
table::Column NumbersAsText(const table::Column& column) {
  table::ColumnBuilder out(table::Field{{}, ColumnType::kString, 1});
  out.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column.IsValid(row)) {
      out.AppendMissing();
      continue;
    }
    const std::string_view text = table::StripSpaces(column.string(row));
    const auto whole = table::ParseInt64(text);
    const auto number = whole ? std::nullopt : table::ParseDouble(text);
    if (whole) {
      out.AppendText(std::to_string(*whole));
    } else {
      out.AppendText(number ? table::MakeFloat64({*number}).AsText(0) : std::string(text));
    }
  }
  return out.Finish();
}

// Reads columns as the types that a model was trained on.
class ReadAs final : public FittedTransform {
 public:
  // Columns of `as_text` were numbers, but may hold any text.
  ReadAs(table::Schema wanted, std::set<std::string> as_text)
      : wanted_(std::move(wanted)), as_text_(std::move(as_text)) {}

  [[nodiscard]] Result<table::Batch> Apply(table::Batch batch) const override {
    for (std::size_t c = 0; c < wanted_.fields.size(); ++c) {
      const table::Field& field = wanted_.fields[c];
      const ColumnType type = batch.columns[c].type();
      if (IsAlike(type, field.type)) continue;
      if (as_text_.contains(field.name)) {
        DML_TRY(const table::Column text,
                CastColumn(batch.columns[c], ColumnType::kString, batch.first_row));
        batch.Set({field.name, ColumnType::kString, 1}, NumbersAsText(text));
        continue;
      }
      if (!MayBeRead(type, field.type) && HasValues(batch.columns[c])) {
        return Error::Invalid(
            fmt::format("the column '{}' was {} in training and is {} here", field.name,
                        table::ColumnTypeName(field.type), table::ColumnTypeName(type)),
            "write its values as they were written for training, or declare its type");
      }
      Result<table::Column> cast = CastColumn(batch.columns[c], field.type, batch.first_row);
      if (!cast.ok()) {
        return std::move(cast).error().Within(fmt::format(
            "the column '{}' was {} in training", field.name, table::ColumnTypeName(field.type)));
      }
      batch.Set(field, std::move(cast).value());
    }
    return batch;
  }

  [[nodiscard]] Json Save() const override { return wanted_.ToJson(); }

 private:
  const table::Schema wanted_;
  const std::set<std::string> as_text_;
};

// Removes the columns of `wanted` that the rows lack, or hold as another type, and that the
// preprocessing removes before anything has read them. Any other that is lacking is the error.
Result<void> LeaveOutUnread(const Json& preprocessing, const table::Schema& found,
                            table::Schema& wanted) {
  const table::Schema all = wanted;
  for (const table::Field& field : all.fields) {
    auto there = found.Find(field.name);
    if (there.ok() && IsAlike(found.fields[*there].type, field.type)) continue;
    table::Schema others = all;
    std::erase_if(others.fields, [&](const table::Field& one) { return one.name == field.name; });
    DML_TRY(const table::Schema with, SchemaThrough(preprocessing, all));
    const Result<table::Schema> without = SchemaThrough(preprocessing, others);
    if (!without.ok() || without->Names() != with.Names()) {
      if (there.ok()) continue;
      return std::move(there).error().Within("the model needs a column that the rows lack");
    }
    std::erase_if(wanted.fields, [&](const table::Field& one) { return one.name == field.name; });
  }
  return {};
}

// The columns of numbers that hold something else now and are first read by what compares text.
Result<std::set<std::string>> ReadAsText(const Json& preprocessing, const table::Schema& found,
                                         const table::Schema& wanted) {
  std::set<std::string> names;
  for (const table::Field& field : wanted.fields) {
    DML_TRY(const std::size_t index, found.Find(field.name));
    if (!IsNumber(field.type) || IsNumber(found.fields[index].type)) continue;
    DML_TRY(const FittedTransformPtr reader, FirstReader(preprocessing, wanted, field.name));
    if (reader != nullptr && reader->ComparesText(field.name)) names.insert(field.name);
  }
  return names;
}

bool TakesMissing(const learn::Model& model) {
  const std::string_view kind = model.predictor->kind();
  return kind == "decision_tree" || kind == "random_forest";
}

}  // namespace

Result<learn::LoadedModel> OpenModel(const plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("model"));
  DML_CHECK(!input->files.empty(), "a model artifact is one file");
  return learn::ReadModelFile(input->files.front().path);
}

Result<std::unique_ptr<DesignMatrix>> RowsForModel(const learn::Model& model,
                                                   const table::Table& table, Labels labels) {
  DML_TRY(table::Schema wanted, table::Schema::FromJson(model.schema));
  DML_RETURN_IF_ERROR(LeaveOutUnread(model.preprocessing, table.schema(), wanted));
  DML_TRY(RowView rows, RowView::Of(table, wanted.Names()));
  DML_TRY(std::set<std::string> as_text, ReadAsText(model.preprocessing, table.schema(), wanted));
  DML_TRY(rows, rows.Through(MakeFitted<ReadAs>(std::move(wanted), std::move(as_text))));
  DML_TRY(rows, LoadChain(model.preprocessing, std::move(rows)));
  DML_TRY(auto matrix, DesignMatrix::Make(table, std::move(rows), std::move(labels),
                                          TakesMissing(model), RowsAreFor::kPrediction));
  if (matrix->feature_names().size() != model.feature_names.size()) {
    return Error::Invalid(fmt::format("the rows give {} features, and the model was trained on {}",
                                      matrix->feature_names().size(), model.feature_names.size()),
                          "load the rows as the training rows were loaded");
  }
  return matrix;
}

}  // namespace dml::steps
