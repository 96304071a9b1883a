#include "plugins/steps/transform/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "plugins/steps/transform/catalog.h"
#include "plugins/steps/transform/no_rows.h"
#include "plugins/steps/transform/row_rule.h"

namespace dml::steps {

namespace {

Result<FittedTransformPtr> LoadTransform(const Json& item) {
  const auto name = item.value("transform", std::string());
  const TransformType* type = FindTransformType(name);
  if (type == nullptr) {
    return Error::Invalid("the model needs the transform '" + name + "', which this dml lacks",
                          "use the version of dml that trained it");
  }
  return type->load(item.value("state", Json()));
}

// The rows seen through one more transform of a chain.
Result<RowView> Followed(FittedTransformPtr transform, const RowView& rows,
                         const learn::Execution& execution) {
  if (transform->AsRowRule() != nullptr) return ThroughRule(std::move(transform), rows, execution);
  return rows.Through(std::move(transform));
}

Error NoRowIsLeft(const std::string& rule, std::uint64_t before) {
  return Error::Invalid(
      fmt::format("'{}' in preprocess drops every row that is there, {} in all", rule, before),
      "look at what it asks of a row, and at what the steps and transforms before it leave");
}

}  // namespace

Result<RowView> FitChain(const Json& bound, RowView rows, const learn::Execution& execution) {
  for (const Json& item : bound) {
    const std::string name = item.begin().key();
    const TransformType* type = FindTransformType(name);
    DML_CHECK(type != nullptr, "the language knows the transforms");
    Result<FittedTransformPtr> fitted = type->fit(item.begin().value(), rows, execution);
    if (!fitted.ok()) return std::move(fitted).error().Within("cannot fit '" + name + "'");
    const std::uint64_t before = rows.rows();
    DML_TRY(rows, Followed(std::move(fitted).value(), rows, execution));
    if (rows.rows() == 0 && before > 0) return NoRowIsLeft(name, before);
  }
  return rows;
}

bool DropsRows(const Json& bound) {
  for (const Json& item : bound) {
    const TransformType* type = FindTransformType(item.begin().key());
    if (type != nullptr && type->drops_rows) return true;
  }
  return false;
}

Result<RowView> ThroughChain(const RowView& fitted, RowView rows,
                             const learn::Execution& execution) {
  for (const FittedTransformPtr& transform : fitted.transforms()) {
    DML_TRY(rows, Followed(transform, rows, execution));
  }
  return rows;
}

std::vector<std::string> ChainWarnings(const RowView& rows) {
  std::vector<std::string> warnings;
  for (const FittedTransformPtr& transform : rows.transforms()) {
    std::ranges::move(transform->Warnings(), std::back_inserter(warnings));
  }
  return warnings;
}

Json SaveChain(const Json& bound, const RowView& rows) {
  DML_CHECK(bound.size() == rows.transforms().size(), "one fitted transform for each declared");
  Json saved = Json::array();
  for (std::size_t i = 0; i < bound.size(); ++i) {
    saved.push_back(
        {{"transform", bound[i].begin().key()}, {"state", rows.transforms()[i]->Save()}});
  }
  return saved;
}

Result<RowView> LoadChain(const Json& saved, RowView rows, const learn::Execution& execution) {
  for (const Json& item : saved) {
    DML_TRY(FittedTransformPtr fitted, LoadTransform(item));
    DML_TRY(rows, Followed(std::move(fitted), rows, execution));
  }
  return rows;
}

Result<FittedTransformPtr> FirstReader(const Json& saved, const table::Schema& schema,
                                       std::string_view column) {
  table::Schema others = schema;
  std::erase_if(others.fields, [&](const table::Field& field) { return field.name == column; });
  table::Batch batch = NoRows(others);
  for (const Json& item : saved) {
    DML_TRY(FittedTransformPtr fitted, LoadTransform(item));
    const RowRule* rule = fitted->AsRowRule();
    if (rule != nullptr && !rule->JudgesValues()) continue;
    auto applied = fitted->Apply(std::move(batch));
    if (!applied.ok()) return fitted;
    batch = std::move(applied).value();
  }
  return FittedTransformPtr();
}

Result<table::Schema> SchemaThrough(const Json& saved, const table::Schema& schema) {
  table::Batch batch = NoRows(schema);
  for (const Json& item : saved) {
    DML_TRY(const FittedTransformPtr fitted, LoadTransform(item));
    DML_TRY(batch, fitted->Apply(std::move(batch)));
  }
  return batch.schema;
}

}  // namespace dml::steps
