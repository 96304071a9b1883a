#include "pipelines/params/bind.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/node_param.h"
#include "base/quantity.h"
#include "base/suggest.h"
#include "pipelines/params/familiar_names.h"
#include "pipelines/params/familiar_steps.h"
#include "pipelines/params/text.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

constexpr std::array<std::string_view, 4> kColumnSelectors{"numeric", "categorical", "text", "all"};

std::vector<std::string> Names(std::span<const ParamSpec> specs) {
  std::vector<std::string> names;
  for (const ParamSpec& spec : specs) names.push_back(spec.name);
  return names;
}

std::string Subject(const ParamSpec& spec) {
  return spec.name.empty() ? std::string("a value") : fmt::format("'{}'", spec.name);
}

bool TakesPath(const ParamSpec& spec) {
  return spec.type == ParamType::kPath || std::ranges::any_of(spec.element, TakesPath);
}

// A default as the step receives it: specs may state durations and sizes as text.
Json BoundDefault(const ParamSpec& spec) {
  if (spec.type == ParamType::kTransforms && spec.default_value.is_null()) return Json();
  return spec.default_value;
}

// Whether a part of a bound value was not bound. In a list of transforms a null stands for one.
bool LacksPart(const Json& value, ParamType type) {
  if (value.is_null()) return true;
  if (!value.is_structured()) return false;
  return std::ranges::any_of(value, [&](const Json& part) {
    if (type == ParamType::kTransforms && part.is_null()) return false;
    return LacksPart(part, ParamType::kAny);
  });
}

// Of a word that is nearly one of those that are among the alternatives.
std::string NearWord(const ParamSpec& spec, const Node& node) {
  if (spec.type != ParamType::kOneOf || !node.is_scalar()) return {};
  std::vector<std::string> words;
  for (const ParamSpec& alternative : spec.element) {
    words.insert(words.end(), alternative.choices.begin(), alternative.choices.end());
  }
  return DidYouMean(node.text, words);
}

}  // namespace

std::string AbsolutePath(const std::string& directory, const std::string& path) {
  if (path.starts_with('/')) return path;
  std::string_view rest = path;
  while (rest.starts_with("./")) rest.remove_prefix(2);
  return directory.ends_with('/') ? directory + std::string(rest)
                                  : directory + "/" + std::string(rest);
}

Json ParamBinder::BindAll(std::span<const ParamSpec> specs, const Node* mapping,
                          const std::string& owner, const Place& place,
                          const Json::json_pointer& at) {
  Json out = Json::object();
  if (mapping != nullptr && !mapping->is_null() && !mapping->is_mapping()) {
    resolver_.diagnostics().Add(
        mapping->place, fmt::format("expected the parameters of {} as a mapping, found {}", owner,
                                    DescribeNode(*mapping)));
    out_.refused.push_back(at.to_string());
    return out;
  }
  const std::size_t given = mapping == nullptr ? 0 : mapping->keys.size();
  std::size_t matched = 0;
  if (at.empty()) out_.elsewhere = given > 0 && NamesNode(specs, mapping);
  for (const ParamSpec& spec : specs) {
    const Node* node = given == 0 ? nullptr : mapping->Find(spec.name);
    if (node != nullptr) {
      ++matched;
      // Null means "not given": no key, so that equal parameters have one form.
      const std::size_t before = resolver_.diagnostics().size();
      Json value = Bind(spec, *node, at / spec.name);
      if (resolver_.diagnostics().size() > before && LacksPart(value, spec.type)) {
        out_.refused.push_back((at / spec.name).to_string());
      }
      if (!value.is_null()) out[spec.name] = std::move(value);
    } else if (spec.required) {
      resolver_.diagnostics().Add(place,
                                  fmt::format("{} needs the parameter '{}'", owner, spec.name),
                                  fmt::format("add {}: {}", spec.name, DescribeExpected(spec)));
      out_.refused.push_back((at / spec.name).to_string());
    } else if (Json value = BoundDefault(spec); !value.is_null()) {
      out[spec.name] = std::move(value);
    }
  }
  if (matched == given) return out;
  RefuseUnwritten(specs, *mapping, at);
  for (const Node::Key& key : mapping->keys) {
    if (std::ranges::find(specs, key.text, &ParamSpec::name) == specs.end()) {
      ReportUnknownParam(key, specs, owner);
    }
  }
  return out;
}

// Any parameter that is not there may be what a key that nobody knows was meant for.
void ParamBinder::RefuseUnwritten(std::span<const ParamSpec> specs, const Node& mapping,
                                  const Json::json_pointer& at) {
  for (const ParamSpec& spec : specs) {
    if (mapping.Find(spec.name) == nullptr) out_.refused.push_back((at / spec.name).to_string());
  }
}

bool ParamBinder::NamesNode(std::span<const ParamSpec> specs, const Node* mapping) {
  const Node* const node = mapping->Find(kNodeParam);
  if (node == nullptr ||
      std::ranges::find(specs, std::string_view(kNodeParam), &ParamSpec::name) == specs.end()) {
    return false;
  }
  Diagnostics trial;  // what is wrong with it is said when it is bound
  const Resolved resolved = resolver_.WithDiagnostics(trial).Resolve(*node, scope_, mode_);
  if (resolved.state == Resolved::State::kAtRunTime) {
    resolver_.diagnostics().Add(node->place,
                                fmt::format("'{}' has to be known before the run", kNodeParam),
                                "write the name of a node, or a parameter of the pipeline");
  }
  return resolved.state != Resolved::State::kKnown || !resolved.value().is_null();
}

void ParamBinder::ReportUnknownParam(const Node::Key& key, std::span<const ParamSpec> specs,
                                     const std::string& owner) {
  const std::vector<std::string> names = Names(specs);
  std::string hint = HintForFamiliar(key.text, names);
  if (hint.empty()) hint = DidYouMean(key.text, names);
  if (hint.empty()) {
    hint = names.empty() ? "it takes no parameters" : "it takes ";
    for (std::size_t i = 0; i < names.size(); ++i) hint += (i == 0 ? "" : ", ") + names[i];
  }
  resolver_.diagnostics().Add(key.place, fmt::format("{} has no parameter '{}'", owner, key.text),
                              std::move(hint));
}

Json ParamBinder::Bind(const ParamSpec& spec, const Node& node, const Json::json_pointer& at) {
  Resolved resolved = resolver_.Resolve(node, scope_, mode_);
  switch (resolved.state) {
    case Resolved::State::kFailed:
      return {};
    case Resolved::State::kPerTask:
      out_.holes.push_back({at, &spec, &node, std::move(resolved.left)});
      return {};
    case Resolved::State::kAtRunTime:
      if (mode_ == ResolveMode::kByReference) return resolved.text;
      if (out_.elsewhere && TakesPath(spec)) {
        resolver_.diagnostics().Add(node.place,
                                    "the path of a file on a node has to be known before the run",
                                    "write the path, or a parameter of the pipeline");
      }
      out_.runtime.push_back({at.to_string(), std::move(resolved.text), std::move(resolved.left),
                              &spec, node.place, &node});
      return {};
    case Resolved::State::kKnown:
      break;
  }
  return BindResolved(spec, resolved.value(), at);
}

Json ParamBinder::BindResolved(const ParamSpec& spec, const Node& node,
                               const Json::json_pointer& at) {
  const bool text_like = spec.type == ParamType::kString || spec.type == ParamType::kEnum ||
                         spec.type == ParamType::kColumn;
  // `null` spelled out inside a list of words is the word; anywhere else it means "not given".
  if (node.is_null() && !(text_like && spec.name.empty() && !node.text.empty())) {
    if (spec.type == ParamType::kAny) return {};
    if (!spec.required && spec.default_value.is_null() && !spec.name.empty()) return {};
    return Mistyped(spec, node);
  }
  switch (spec.type) {
    case ParamType::kBool:
      if (const auto value = AsBool(node)) return *value;
      return Mistyped(spec, node);
    case ParamType::kInt:
    case ParamType::kFloat:
      return BindNumber(spec, node);
    case ParamType::kString:
    case ParamType::kEnum:
    case ParamType::kColumn:
    case ParamType::kExpression:
      return BindText(spec, node, at);
    case ParamType::kDuration:
    case ParamType::kSize:
      return BindQuantity(spec, node);
    case ParamType::kPath:
    case ParamType::kOutputPath:
      return BindPath(spec, node, at);
    case ParamType::kColumns:
      return BindColumns(spec, node, at);
    case ParamType::kList:
      return BindList(spec, node, at);
    case ParamType::kMap:
      return BindMap(spec, node, at);
    case ParamType::kObject:
      if (!node.is_mapping()) return Mistyped(spec, node);
      return BindAll(spec.element, &node, Subject(spec), node.place, at);
    case ParamType::kOneOf:
      return BindOneOf(spec, node, at);
    case ParamType::kTransforms:
      return BindTransforms(spec, node, at);
    case ParamType::kAny:
      return BindAny(node, at);
  }
  DML_UNREACHABLE("every parameter type is bound");
}

Json ParamBinder::Mistyped(const ParamSpec& spec, const Node& node) {
  std::string hint = NearWord(spec, node);
  if (hint.empty() && !node.literal) hint = ScalarTrap(node);
  if (spec.type == ParamType::kTransforms && node.is_mapping()) {
    hint = "begin every transform with a dash: - standardize: {columns: numeric}";
  }
  resolver_.diagnostics().Add(node.place,
                              fmt::format("{} must be {}, found {}", Subject(spec),
                                          DescribeExpected(spec), DescribeNode(node)),
                              std::move(hint));
  return {};
}

bool ParamBinder::CheckRange(const ParamSpec& spec, const Node& node, double value,
                             const std::string& what) {
  const bool below =
      spec.minimum && (spec.minimum_exclusive ? value <= *spec.minimum : value < *spec.minimum);
  const bool above =
      spec.maximum && (spec.maximum_exclusive ? value >= *spec.maximum : value > *spec.maximum);
  if (!below && !above) return true;
  const bool is_list = spec.type == ParamType::kList || spec.type == ParamType::kColumns;
  std::string expected = DescribeExpected(spec);
  if (is_list) {
    expected = spec.maximum ? fmt::format("a list of {} to {} elements", spec.minimum.value_or(0),
                                          *spec.maximum)
                            : fmt::format("a list of at least {} elements", *spec.minimum);
  }
  resolver_.diagnostics().Add(node.place, fmt::format("{} is out of range: it must be {}, found {}",
                                                      Subject(spec), expected, what));
  return false;
}

Json ParamBinder::BindNumber(const ParamSpec& spec, const Node& node) {
  if (spec.type == ParamType::kInt) {
    const auto value = AsInt(node);
    if (!value) return Mistyped(spec, node);
    const bool fits = CheckRange(spec, node, static_cast<double>(*value), node.text);
    return fits ? Json(*value) : Json();
  }
  const auto value = AsFloat(node);
  if (!value) return Mistyped(spec, node);
  return CheckRange(spec, node, *value, node.text) ? Json(*value) : Json();
}

Json ParamBinder::BindText(const ParamSpec& spec, const Node& node, const Json::json_pointer&) {
  if (!node.is_scalar() && !node.is_null()) return Mistyped(spec, node);
  if (spec.type == ParamType::kEnum &&
      std::ranges::find(spec.choices, node.text) == spec.choices.end()) {
    resolver_.diagnostics().Add(
        node.place,
        fmt::format("{} must be {}, found '{}'", Subject(spec), DescribeExpected(spec), node.text),
        DidYouMean(node.text, spec.choices));
    return {};
  }
  const bool may_be_empty = spec.type == ParamType::kString;
  if (node.text.empty() && !may_be_empty) return Mistyped(spec, node);
  return node.text;
}

Json ParamBinder::BindQuantity(const ParamSpec& spec, const Node& node) {
  if (!node.is_scalar()) return Mistyped(spec, node);
  std::int64_t amount = 0;
  if (spec.type == ParamType::kDuration) {
    const auto duration = ParseDuration(node.text);
    if (!duration.ok() && AsFloat(node)) {
      resolver_.diagnostics().Add(node.place,
                                  fmt::format("{} must be {}, found {}", Subject(spec),
                                              DescribeExpected(spec), DescribeNode(node)),
                                  fmt::format("add a unit: {}s", node.text));
      return {};
    }
    if (!duration.ok()) return Mistyped(spec, node);
    amount = duration->ns;
  } else {
    const auto size = ParseSize(node.text);
    if (!size.ok()) return Mistyped(spec, node);
    amount = *size;
  }
  return CheckRange(spec, node, static_cast<double>(amount), node.text) ? Json(amount) : Json();
}

Json ParamBinder::BindPath(const ParamSpec& spec, const Node& node, const Json::json_pointer& at) {
  if (!node.is_scalar() || node.text.empty()) return Mistyped(spec, node);
  if (out_.elsewhere && spec.type == ParamType::kPath) {
    out_.files.push_back({at.to_string().substr(1), node.text, node.place.ToLocation()});
    return node.text;
  }
  const std::string directory =
      node.place.source == nullptr ? std::string() : node.place.source->directory;
  std::string path = AbsolutePath(directory, node.text);
  if (spec.type == ParamType::kPath) {
    out_.files.push_back({at.to_string().substr(1), path, node.place.ToLocation()});
  }
  return path;
}

Json ParamBinder::BindColumns(const ParamSpec& spec, const Node& node,
                              const Json::json_pointer& at) {
  if (node.is_scalar()) {
    const bool selector = std::ranges::find(kColumnSelectors, node.text) != kColumnSelectors.end();
    if (node.text.empty()) return Mistyped(spec, node);
    // One bare word that is no selector is a list of one column.
    return selector && node.plain ? Json(node.text) : Json::array({node.text});
  }
  if (!node.is_sequence()) return Mistyped(spec, node);
  ParamSpec element;
  element.type = ParamType::kColumn;
  Json out = Json::array();
  std::set<std::string> seen;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Resolved resolved = resolver_.Resolve(node.items[i], scope_);
    if (resolved.state == Resolved::State::kKnown) {
      out.push_back(BindText(element, resolved.value(), at / i));
      const Json& name = out.back();
      if (name.is_string() && !seen.insert(name.get<std::string>()).second) {
        resolver_.diagnostics().Add(
            node.items[i].place,
            fmt::format("the column '{}' is listed twice", name.get<std::string>()),
            "name it once");
      }
    } else if (resolved.state != Resolved::State::kFailed) {
      static const ParamSpec column = element;
      out.push_back(Bind(column, node.items[i], at / i));
    }
  }
  return CheckRange(spec, node, static_cast<double>(out.size()), fmt::format("{}", out.size()))
             ? out
             : Json();
}

Json ParamBinder::BindList(const ParamSpec& spec, const Node& node, const Json::json_pointer& at) {
  const bool of_text = !spec.element.empty() && (spec.element[0].type == ParamType::kString ||
                                                 spec.element[0].type == ParamType::kColumn ||
                                                 spec.element[0].type == ParamType::kEnum);
  if (node.is_scalar() && of_text) {
    return Json::array({BindResolved(spec.element[0], node, at / 0)});
  }
  if (!node.is_sequence()) return Mistyped(spec, node);
  Json out = Json::array();
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    out.push_back(spec.element.empty() ? BindAny(node.items[i], at / i)
                                       : Bind(spec.element[0], node.items[i], at / i));
  }
  return CheckRange(spec, node, static_cast<double>(out.size()), fmt::format("{}", out.size()))
             ? out
             : Json();
}

Json ParamBinder::BindMap(const ParamSpec& spec, const Node& node, const Json::json_pointer& at) {
  if (!node.is_mapping()) return Mistyped(spec, node);
  if (spec.ordered) return BindOrderedMap(spec, node, at);
  Json out = Json::object();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i].text;
    out[key] = spec.element.empty() ? BindAny(node.items[i], at / key)
                                    : Bind(spec.element[0], node.items[i], at / key);
  }
  return out;
}

Json ParamBinder::BindOrderedMap(const ParamSpec& spec, const Node& node,
                                 const Json::json_pointer& at) {
  Json out = Json::array();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    out.push_back(
        Json::array({node.keys[i].text, Bind(spec.element.at(0), node.items[i], at / i / 1)}));
  }
  return out;
}

Json ParamBinder::BindOneOf(const ParamSpec& spec, const Node& node, const Json::json_pointer& at) {
  for (const ParamSpec& alternative : spec.element) {
    Diagnostics trial;
    const Resolver resolver = resolver_.WithDiagnostics(trial);
    ParamBinder binder(catalog_, resolver, scope_);
    binder.set_mode(mode_);
    binder.set_elsewhere(out_.elsewhere);
    Json value = binder.Bind(alternative, node, at);
    if (!trial.empty() || (value.is_null() && !node.is_null() && binder.out_.holes.empty() &&
                           binder.out_.runtime.empty())) {
      continue;
    }
    std::ranges::move(binder.out_.holes, std::back_inserter(out_.holes));
    std::ranges::move(binder.out_.runtime, std::back_inserter(out_.runtime));
    std::ranges::move(binder.out_.files, std::back_inserter(out_.files));
    return value;
  }
  return Mistyped(spec, node);
}

Json ParamBinder::BindTransforms(const ParamSpec& spec, const Node& node,
                                 const Json::json_pointer& at) {
  if (!node.is_sequence()) return Mistyped(spec, node);
  Json out = Json::array();
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    out.push_back(BindTransform(node.items[i], at / i));
  }
  return out;
}

void ParamBinder::ReportUnknownTransform(const Node::Key& key) {
  for (const StepSpec& step : catalog_.steps) {
    const std::string_view name = step.name;
    if (step.table_only.empty() || (name != key.text && name != "preprocess." + key.text)) continue;
    resolver_.diagnostics().Add(
        key.place, fmt::format("'{}' cannot stand inside a model: {}", key.text, step.table_only),
        fmt::format("make it a step of its own before this one: uses: {}", step.name));
    return;
  }
  std::vector<std::string> names;
  for (const TransformSpec& known : catalog_.transforms) names.push_back(known.name);
  std::string hint = HintForFamiliarStep(key.text, names);
  if (hint.empty()) hint = DidYouMean(key.text, names);
  if (hint.empty()) {
    hint = key.text.find("${") != std::string::npos
               ? "the name of a transform is written out: ${...} is for its parameters"
               : "`dml steps` lists the transforms";
  }
  resolver_.diagnostics().Add(key.place, fmt::format("unknown transform '{}'", key.text),
                              std::move(hint));
}

Json ParamBinder::BindTransform(const Node& node, const Json::json_pointer& at) {
  const bool bare = node.is_scalar();
  if (!bare && !(node.is_mapping() && node.keys.size() == 1)) {
    resolver_.diagnostics().Add(
        node.place,
        fmt::format("expected one transform with its parameters, found {}", DescribeNode(node)),
        "write - standardize: {columns: numeric}, indented so that the parameters are inside");
    return {};
  }
  const Node::Key key = bare ? Node::Key{node.text, node.place} : node.keys[0];
  const TransformSpec* transform = catalog_.FindTransform(key.text);
  if (transform == nullptr) {
    ReportUnknownTransform(key);
    return {};
  }
  Json bound = BindAll(transform->params, bare ? nullptr : &node.items[0],
                       fmt::format("transform '{}'", key.text), key.place, at / key.text);
  return Json{{key.text, std::move(bound)}};
}

Json ParamBinder::BindAny(const Node& node, const Json::json_pointer& at) {
  static const ParamSpec any = [] {
    ParamSpec spec;
    spec.type = ParamType::kAny;
    return spec;
  }();
  if (node.is_scalar()) {
    // Bind() has resolved a scalar that comes through it; elements of lists come here raw.
    if (node.literal || !MayHoldReference(node.text)) return ToJson(node);
    return Bind(any, node, at);
  }
  if (node.is_sequence()) {
    Json out = Json::array();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      out.push_back(BindAny(node.items[i], at / i));
    }
    return out;
  }
  Json out = node.is_mapping() ? Json::object() : Json();
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    out[node.keys[i].text] = BindAny(node.items[i], at / node.keys[i].text);
  }
  return out;
}

}  // namespace dml::pipelines
