#include "plugins/steps/evaluation/model_rows.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "base/counted.h"
#include "plugins/steps/column_kinds.h"
#include "plugins/steps/evaluation/read_as.h"
#include "plugins/steps/transform/chain.h"

namespace dml::steps {

namespace {

using table::ColumnType;

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

Result<RowView> RowsForModel(const learn::Model& model, const table::Table& table,
                             const plugins::StepContext& context) {
  DML_TRY(table::Schema wanted, table::Schema::FromJson(model.schema));
  DML_RETURN_IF_ERROR(LeaveOutUnread(model.preprocessing, table.schema(), wanted));
  DML_TRY(RowView rows, RowView::Of(table, wanted.Names()));
  DML_TRY(std::set<std::string> as_text, ReadAsText(model.preprocessing, table.schema(), wanted));
  DML_TRY(rows, rows.Through(ReadAs(std::move(wanted), std::move(as_text))));
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  return LoadChain(model.preprocessing, std::move(rows), execution);
}

Result<std::unique_ptr<DesignMatrix>> MatrixForModel(const learn::Model& model,
                                                     const table::Table& table, RowView rows,
                                                     Labels labels) {
  DML_TRY(auto matrix, DesignMatrix::Make(table, std::move(rows), std::move(labels),
                                          TakesMissing(model), RowsAreFor::kPrediction));
  if (matrix->feature_names().size() != model.feature_names.size()) {
    return Error::Invalid(
        fmt::format("the rows give {}, and the model was trained on {}",
                    Counted(matrix->feature_names().size(), "feature"), model.feature_names.size()),
        "load the rows as the training rows were loaded");
  }
  return matrix;
}

}  // namespace dml::steps
