#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/name_list.h"
#include "base/suggest.h"
#include "pipelines/validate/context.h"
#include "pipelines/validate/model_outlooks.h"

namespace dml::pipelines {

namespace {

using ColumnList = std::vector<std::string>;

// The only table that a step is given, by its place in `inputs`; nothing if there are several, or
// it comes from several steps.
const ProducerDecl* SoleTable(const StepDecl& step, const StepSpec& spec) {
  const ProducerDecl* found = nullptr;
  for (const InputDecl& input : step.inputs) {
    const auto port = std::ranges::find(spec.inputs, input.port, &PortSpec::name);
    if (port == spec.inputs.end() || port->kind == PortKind::kFile || port->named) return nullptr;
    if (port->kind != PortKind::kTable) continue;
    if (found != nullptr || input.producers.size() != 1) return nullptr;
    found = &input.producers.front();
  }
  return found;
}

// The columns of the tables that each step makes, followed from the loaders on. One answer serves
// all outputs and all tasks of a step: a forecast that hangs on an open value is none.
class ColumnOutlooks {
 public:
  explicit ColumnOutlooks(const std::vector<StepDecl>& steps)
      : steps_(steps), known_(steps.size()), seen_(steps.size()) {}

  // Of the table that a step is given.
  ColumnNames Input(std::size_t step) {
    const NativeDecl* native = NativeOf(steps_[step]);
    const ProducerDecl* table =
        native == nullptr ? nullptr : SoleTable(steps_[step], *native->spec);
    return table == nullptr ? std::nullopt : Of(table->step);
  }

 private:
  // Without recursion: up to a step that is known, and down again. A cycle leaves all unknown.
  const ColumnNames& Of(std::size_t wanted) {
    std::vector<std::size_t> chain;
    for (std::size_t step = wanted; std::exchange(seen_[step], 1) == 0;) {
      chain.push_back(step);
      const NativeDecl* native = NativeOf(steps_[step]);
      const ProducerDecl* table =
          native == nullptr ? nullptr : SoleTable(steps_[step], *native->spec);
      if (table == nullptr) break;
      step = table->step;
    }
    for (; !chain.empty(); chain.pop_back()) known_[chain.back()] = Forecast(chain.back());
    return known_[wanted];
  }

  [[nodiscard]] ColumnNames Forecast(std::size_t position) const {
    const StepDecl& step = steps_[position];
    const NativeDecl* native = NativeOf(step);
    if (native == nullptr) return std::nullopt;
    const StepSpec& spec = *native->spec;
    if (spec.read_columns) {
      // What an earlier step may still write is not looked at.
      const bool waits = !step.inputs.empty() || !step.needs.empty() || !step.metrics.empty();
      const bool open = !native->params.holes.empty() || !native->params.runtime.empty() ||
                        native->params.elsewhere;
      return waits || open ? std::nullopt : spec.read_columns(native->params.value);
    }
    const ProducerDecl* table = SoleTable(step, spec);
    if (!spec.columns || table == nullptr || !known_[table->step]) return std::nullopt;
    return spec.columns(WithNulls(native->params), *known_[table->step]);
  }

  const std::vector<StepDecl>& steps_;
  std::vector<ColumnNames> known_;
  std::vector<std::uint8_t> seen_;
};

// A parameter that names a column.
struct ColumnUse {
  std::string pointer;  // into the parameters
  std::string name;
};

// What `value` of a parameter names, but for transforms.
void CollectUses(const ParamSpec& spec, const Json& value, const Json::json_pointer& at,
                 std::vector<ColumnUse>& uses) {
  struct Item {
    const ParamSpec* spec;
    const Json* value;
    Json::json_pointer at;
  };
  std::vector<Item> open{{&spec, &value, at}};
  while (!open.empty()) {
    const Item item = std::move(open.back());
    open.pop_back();
    const ParamType type = item.spec->type;
    if (type == ParamType::kColumn && item.value->is_string()) {
      uses.push_back({item.at.to_string(), item.value->get<std::string>()});
    } else if ((type == ParamType::kColumns || type == ParamType::kList) &&
               item.value->is_array()) {
      const bool columns =
          type == ParamType::kColumns || item.spec->element.front().type == ParamType::kColumn;
      for (std::size_t i = 0; columns && i < item.value->size(); ++i) {
        const Json& name = (*item.value)[i];
        if (name.is_string()) uses.push_back({(item.at / i).to_string(), name.get<std::string>()});
      }
    } else if (type == ParamType::kObject && item.value->is_object()) {
      for (const ParamSpec& member : item.spec->element) {
        const auto found = item.value->find(member.name);
        if (found != item.value->end()) open.push_back({&member, &*found, item.at / member.name});
      }
    }
  }
}

struct CheckedStep {
  const StepDecl& step;
  const NativeDecl& native;
  const Json& params;  // null for what is not known yet
};

void ReportUnknown(ValidateContext& context, const CheckedStep& checked,
                   const UnknownColumn& unknown, const ColumnList& columns, std::string message) {
  std::string hint = unknown.hint.empty() ? DidYouMean(unknown.name, columns) : unknown.hint;
  if (!hint.empty()) hint += "; ";
  hint += "the columns are: " + NameList(columns);
  context.diagnostics.Add(PlaceOf({unknown.at, {}, {}, unknown.offset}, checked.native.written),
                          std::move(message), std::move(hint));
}

bool IsAmong(const ColumnList& columns, const std::string& name) {
  return std::ranges::find(columns, name) != columns.end();
}

// What is neither among the features nor hidden from the transforms. Who compares names, and how,
// is the check: SQL does not tell upper from lower case.
std::vector<UnknownColumn> UnknownToTransform(const ColumnCheck& check, const Json& params,
                                              const ColumnList& columns, const ColumnList& hidden) {
  std::vector<UnknownColumn> unknown = check(params, columns);
  if (unknown.empty() || hidden.empty()) return unknown;
  ColumnList all = columns;
  std::ranges::copy_if(hidden, std::back_inserter(all),
                       [&](const std::string& name) { return !IsAmong(columns, name); });
  const std::vector<UnknownColumn> nowhere = check(params, all);
  std::erase_if(unknown, [&](const UnknownColumn& one) {
    return std::ranges::none_of(nowhere, [&](const UnknownColumn& other) {
      return one.at == other.at && one.name == other.name;
    });
  });
  return unknown;
}

// `preprocess:` of a model sees the columns that the other parameters do not name: no target, no
// weight, nothing dropped, which are `hidden`; and each transform what those before it have made of
// them.
void CheckTransforms(ValidateContext& context, const CheckedStep& checked,
                     const Json::json_pointer& at, ColumnList columns, const ColumnList& hidden) {
  const Json& list = checked.params.at(at);
  for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
    if (!list[i].is_object() || list[i].size() != 1) return;
    const TransformSpec* transform = context.catalog.FindTransform(list[i].begin().key());
    if (transform == nullptr) return;
    const Json& params = list[i].begin().value();
    std::vector<ColumnUse> uses;
    for (const ParamSpec& param : transform->params) {
      const auto value = params.find(param.name);
      if (value == params.end()) continue;
      CollectUses(param, *value, at / i / transform->name / param.name, uses);
    }
    std::vector<UnknownColumn> unknown;
    for (const ColumnUse& use : uses) {
      // That a target is no feature is what the step's own check says.
      if (IsAmong(columns, use.name) || IsAmong(hidden, use.name)) continue;
      unknown.push_back({use.pointer, use.name});
    }
    if (transform->check_columns) {
      const Json::json_pointer own = at / i / transform->name;
      for (UnknownColumn& one :
           UnknownToTransform(transform->check_columns, params, columns, hidden)) {
        one.at.insert(0, own.to_string());
        unknown.push_back(std::move(one));
      }
    }
    for (const UnknownColumn& one : unknown) {
      ReportUnknown(context, checked, one, columns,
                    fmt::format("there is no column '{}' among the features of step '{}' here",
                                one.name, checked.step.id));
    }
    ColumnNames next = transform->columns ? transform->columns(params, columns) : std::nullopt;
    if (!next) return;
    columns = std::move(*next);
  }
}

// Whether a value that is not known yet may turn out to name columns.
bool MayNameColumns(const ParamSpec& spec) {
  switch (spec.type) {
    case ParamType::kColumn:
    case ParamType::kColumns:
    case ParamType::kList:
    case ParamType::kMap:
    case ParamType::kObject:
    case ParamType::kOneOf:
    case ParamType::kTransforms:
    case ParamType::kAny:
      return true;
    case ParamType::kBool:
    case ParamType::kInt:
    case ParamType::kFloat:
    case ParamType::kString:
    case ParamType::kEnum:
    case ParamType::kDuration:
    case ParamType::kSize:
    case ParamType::kPath:
    case ParamType::kOutputPath:
    case ParamType::kExpression:
      return false;
  }
  return true;
}

bool MayNameMore(const BoundParams& params) {
  const auto may = [](const auto& hole) { return MayNameColumns(*hole.spec); };
  return std::ranges::any_of(params.holes, may) || std::ranges::any_of(params.runtime, may);
}

bool NamesColumns(const NativeDecl& native) {
  if (native.spec->check_columns) return true;
  return std::ranges::any_of(native.spec->params, [&](const ParamSpec& param) {
    return MayNameColumns(param) && native.params.value.contains(param.name);
  });
}

void CheckStep(ValidateContext& context, const StepDecl& step, const NativeDecl& native,
               const ColumnList& columns) {
  const Json params = WithNulls(native.params);
  ColumnList features = columns;
  ColumnList hidden;
  std::vector<UnknownColumn> unknown;
  for (const ParamSpec& param : native.spec->params) {
    const auto value = params.find(param.name);
    if (value == params.end()) continue;
    std::vector<ColumnUse> uses;
    CollectUses(param, *value, Json::json_pointer() / param.name, uses);
    for (const ColumnUse& use : uses) {
      // What `validate:` names takes no part in the model.
      if (param.type != ParamType::kObject && std::erase(features, use.name) > 0) {
        hidden.push_back(use.name);
      }
      if (!IsAmong(columns, use.name)) unknown.push_back({use.pointer, use.name});
    }
  }
  if (native.spec->check_columns) {
    std::ranges::move(native.spec->check_columns(params, columns), std::back_inserter(unknown));
  }
  for (const UnknownColumn& one : unknown) {
    ReportUnknown(
        context, {step, native, params}, one, columns,
        fmt::format("there is no column '{}' in the data of step '{}'", one.name, step.id));
  }
  if (MayNameMore(native.params)) return;
  for (const ParamSpec& param : native.spec->params) {
    if (param.type != ParamType::kTransforms || !params.contains(param.name)) continue;
    CheckTransforms(context, {step, native, params}, Json::json_pointer() / param.name, features,
                    hidden);
  }
}

}  // namespace

void CheckColumnNames(ValidateContext& context) {
  const std::vector<StepDecl>& steps = context.pipeline.steps;
  ColumnOutlooks outlooks(steps);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const NativeDecl* native = NativeOf(steps[i]);
    // A step with a condition may be meant for other data.
    if (native == nullptr || steps[i].condition) continue;
    if (!NamesColumns(*native)) continue;  // files are read for what hangs on them alone
    const ColumnNames columns = outlooks.Input(i);
    if (columns) CheckStep(context, steps[i], *native, *columns);
  }
}

}  // namespace dml::pipelines
