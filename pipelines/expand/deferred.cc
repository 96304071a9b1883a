#include "pipelines/expand/deferred.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "pipelines/expressions/reference.h"
#include "pipelines/params/bind.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53

// A whole number is one whether it was computed as 5 or 5.0.
bool IsWhole(const Json& value) {
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::abs(number) < kExactIntegerMax && number == std::floor(number);
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (IsWhole(value)) return fmt::format("{}", static_cast<std::int64_t>(value.get<double>()));
  return value.dump();
}

Node ToNode(const Json& value) {
  Node node;
  if (value.is_array() || value.is_object()) {
    node.kind = value.is_array() ? Node::Kind::kSequence : Node::Kind::kMapping;
    for (const auto& [key, item] : value.items()) {
      if (value.is_object()) node.keys.push_back({key, {}});
      node.items.push_back(ToNode(item));
    }
  } else if (!value.is_null()) {
    node = Node::Scalar(TextOf(value), {}, /*plain=*/!value.is_string());
  }
  node.literal = true;
  return node;
}

// The value of one reference; secrets are noted.
Result<Json> Lookup(const TaskDecl& task, const DeferredSources& sources,
                    const Reference& reference, std::vector<std::string>& secrets) {
  if (reference.root == ReferenceRoot::kEnv) {
    const auto value = sources.env ? sources.env(reference.path) : std::nullopt;
    if (!value) {
      return Error::Invalid(fmt::format("environment variable '{}' is not set", reference.path));
    }
    if (!value->empty()) secrets.push_back(*value);
    return Json(*value);
  }
  if (reference.root == ReferenceRoot::kFile) {
    DML_TRY(std::string content, sources.read_file(reference.path));
    if (content.ends_with('\n')) content.pop_back();
    if (!content.empty()) secrets.push_back(content);
    return Json(std::move(content));
  }
  for (const MetricReference& known : task.metric_references) {
    if (known.step != reference.step || known.path != reference.path) continue;
    if (auto value = sources.metrics(known); value && !value->is_null()) return std::move(*value);
  }
  return Error::Task(
      fmt::format("step '{}' reported no metric '{}'", reference.step, reference.path),
      fmt::format("'dml metrics' shows what it reported"));
}

// Text with its references replaced; one reference alone keeps its type.
Result<Json> Fill(const TaskDecl& task, const DeferredSources& sources, const std::string& text,
                  std::vector<std::string>& secrets) {
  DML_TRY(const Template parsed, ParseTemplate(text));
  std::string out = parsed.literals[0];
  for (std::size_t i = 0; i < parsed.references.size(); ++i) {
    DML_TRY(Json value, Lookup(task, sources, parsed.references[i], secrets));
    if (parsed.is_exact()) return value;
    out += TextOf(value);
    out += parsed.literals[i + 1];
  }
  return Json(std::move(out));
}

void StoreText(FilledTask& out, const Json::json_pointer& pointer, std::string text) {
  const std::string& last = pointer.back();
  if (pointer.parent_pointer().back() == "env") {
    out.env[last] = std::move(text);
  } else {
    std::get<CommandWork>(out.work).argv.at(std::stoul(last)) = std::move(text);
  }
}

std::string PlaceOf(const TaskDecl& task) {
  return fmt::format("{}:{}:{}", task.where.file, task.where.line, task.where.column);
}

}  // namespace

Result<Json> CheckRuntimeValue(const ParamSpec& spec, const Json& value) {
  static const StepCatalog none;
  static const World nowhere;
  Diagnostics diagnostics;
  const Resolver resolver(nowhere, diagnostics);
  ParamBinder binder(none, resolver, {});
  const Node node = ToNode(value);
  Json bound = binder.Bind(spec, node, Json::json_pointer());
  if (diagnostics.empty()) return bound;
  const std::vector<Diagnostic> found = diagnostics.TakeSorted();
  return Error::Task(found[0].message, found[0].hint);
}

Result<FilledTask> FillDeferred(const TaskDecl& task, const DeferredSources& sources) {
  FilledTask out{task.work, task.env, {}};
  for (const DeferredValue& deferred : task.deferred) {
    Result<Json> filled = Fill(task, sources, deferred.text, out.secrets);
    if (!filled.ok()) return std::move(filled).error().At(PlaceOf(task));
    const Json::json_pointer pointer(deferred.pointer);
    if (deferred.spec == nullptr) {
      StoreText(out, pointer, TextOf(*filled));
      continue;
    }
    Result<Json> bound = CheckRuntimeValue(*deferred.spec, *filled);
    if (!bound.ok()) {
      return std::move(bound)
          .error()
          .Within(fmt::format("the value of {}", deferred.text))
          .At(PlaceOf(task));
    }
    Json whole{{"params", std::move(std::get<NativeWork>(out.work).params)}};
    whole[pointer] = std::move(bound).value();
    std::get<NativeWork>(out.work).params = std::move(whole["params"]);
  }
  return out;
}

}  // namespace dml::pipelines
