#include "pipelines/expressions/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/name_list.h"
#include "base/suggest.h"
#include "pipelines/yaml/scalar.h"
#include "pipelines/yaml/source_text.h"
#include "pipelines/yaml/text_place.h"

namespace dml::pipelines {

// A scalar under construction: its text if everything is known, and the same as a template.
struct Resolver::Assembly {
  std::string text;
  std::string pattern;
  std::vector<Reference> left;
  const Node* exact = nullptr;  // the node that the last reference stood for
  Node owned;                   // or its value, if it is new
  bool has_owned = false;
  bool exact_wanted = false;
  bool per_task = false;
  bool failed = false;

  void AddText(std::string_view piece) {
    text += piece;
    pattern += EscapeTemplate(piece);
  }
  void Leave(Reference reference) {
    pattern += reference.text;
    left.push_back(std::move(reference));
  }
};

namespace {

// The node at "a.b.0" below `node`; null if a piece does not exist.
const Node* FindPath(const Node* node, std::string_view path) {
  while (node != nullptr && !path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (node->is_sequence()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      const bool inside =
          error == std::errc() && end == name.data() + name.size() && index < node->items.size();
      node = inside ? &node->items[index] : nullptr;
    } else {
      node = node->Find(name);
    }
  }
  return node;
}

std::string DirectoryOf(const Place& place) {
  return place.source == nullptr ? std::string() : place.source->directory;
}

std::string TheyAre(std::string_view what, const std::vector<std::string>& names) {
  return fmt::format("{}: {}", what, NameList(names));
}

// What the first piece of a path that does not exist may have meant, or what there is instead;
// `what` introduces the names at the beginning of the path.
std::string SuggestPath(const Node* node, std::string_view path, std::string what) {
  while (node != nullptr) {
    const std::size_t dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const Node* next = FindPath(node, name);
    if (next == nullptr) {
      std::vector<std::string> names;
      for (const Node::Key& key : node->keys) names.push_back(key.text);
      std::string hint = DidYouMean(name, names);
      return hint.empty() && !names.empty() ? TheyAre(what, names) : hint;
    }
    if (dot == std::string_view::npos) break;
    what = fmt::format("the keys of '{}' are", name);
    node = next;
    path.remove_prefix(dot + 1);
  }
  return {};
}

}  // namespace

std::string FindStepId(const StepNames& steps, std::string_view prefix, std::string_view name) {
  std::string prefixed = std::string(prefix) + std::string(name);
  if (steps.contains(prefixed)) return prefixed;
  std::string global(name);
  return steps.contains(global) ? global : std::string();
}

void Resolver::Fail(Assembly& out, const Node& at, const Reference& reference, std::string message,
                    std::string hint) const {
  out.failed = true;
  diagnostics_.Add(PlaceOf(at, reference.offset, reference.length), std::move(message),
                   std::move(hint));
}

// After many errors nobody looks for the column, which takes a walk along the line.
Place Resolver::PlaceOf(const Node& node, std::size_t offset, std::size_t length) const {
  return diagnostics_.wants_detail() ? PlaceOfReference(node, offset, length) : node.place;
}

const ReadText& Resolver::Parsed(const std::string& text) const {
  const auto known = parsed_.find(text);
  if (known != parsed_.end()) return known->second;
  return parsed_.emplace(text, ReadReferences(text)).first->second;
}

Resolved Resolver::Resolve(const Node& node, const Scope& scope, ResolveMode mode) const {
  Resolved out;
  if (!node.is_scalar() || node.literal || !MayHoldReference(node.text)) {
    out.shared = &node;
    return out;
  }
  const ReadText& read = Parsed(node.text);
  for (const ReferenceProblem& problem : read.problems) {
    diagnostics_.Add(PlaceOf(node, problem.offset, problem.length), problem.error.message,
                     problem.error.hint);
  }
  out = Assemble(read.pieces, node, scope, mode);
  if (!read.problems.empty()) out.state = Resolved::State::kFailed;
  return out;
}

Resolved Resolver::ResolveOne(const Reference& reference, const Node& node,
                              const Scope& scope) const {
  return Assemble({{"", ""}, {reference}}, node, scope, ResolveMode::kValue);
}

Resolved Resolver::Assemble(const Template& pieces, const Node& node, const Scope& scope,
                            ResolveMode mode) const {
  Resolved out;
  Assembly assembly;
  assembly.exact_wanted = pieces.is_exact();
  for (std::size_t i = 0; i < pieces.literals.size(); ++i) {
    assembly.AddText(pieces.literals[i]);
    if (i < pieces.references.size()) {
      Append(pieces.references[i], node, scope, mode, assembly);
    }
    if (assembly.text.size() + assembly.pattern.size() > 2 * kTextBytesMax) {
      assembly.failed = true;
      diagnostics_.Add(node.place, "the references make this text longer than 1 MiB");
      break;
    }
  }
  if (assembly.failed) {
    out.state = Resolved::State::kFailed;
    out.left = std::move(assembly.left);
  } else if (assembly.per_task) {
    out.state = Resolved::State::kPerTask;
    out.left = std::move(assembly.left);
  } else if (!assembly.left.empty()) {
    out.state = Resolved::State::kAtRunTime;
    out.text = std::move(assembly.pattern);
    out.left = std::move(assembly.left);
  } else if (pieces.is_exact() && assembly.exact != nullptr) {
    out.shared = assembly.exact;
  } else if (pieces.is_exact() && assembly.has_owned) {
    out.owned = std::move(assembly.owned);
  } else {
    out.owned = Node::Scalar(std::move(assembly.text), node.place, /*plain=*/false);
    out.owned.literal = true;
  }
  return out;
}

void Resolver::Append(const Reference& reference, const Node& at, const Scope& scope,
                      ResolveMode mode, Assembly& out) const {
  switch (reference.root) {
    case ReferenceRoot::kParams: {
      const Node* value = FindPath(scope.params, reference.path);
      if (value == nullptr) {
        std::string hint = SuggestPath(scope.params, reference.path, "the parameters are");
        const bool none = scope.params == nullptr || scope.params->keys.empty();
        if (none) hint = "there are no parameters; declare it under `params:`";
        return Fail(out, at, reference, fmt::format("undefined reference '{}'", reference.text),
                    std::move(hint));
      }
      return AppendNode(*value, reference, at, scope, mode, out);
    }
    case ReferenceRoot::kMatrix:
    case ReferenceRoot::kItem:
      return AppendMatrix(reference, at, scope, mode, out);
    case ReferenceRoot::kEnv:
    case ReferenceRoot::kFile:
    case ReferenceRoot::kSchedule:
      return AppendWorld(reference, at, mode, out);
    case ReferenceRoot::kSteps:
      return AppendMetric(reference, at, scope, out);
    case ReferenceRoot::kInputs:
    case ReferenceRoot::kOutputs:
      return AppendPort(reference, at, scope, out);
  }
}

void Resolver::AppendNode(const Node& value, const Reference& reference, const Node& at,
                          const Scope& scope, ResolveMode mode, Assembly& out) const {
  if (value.is_sequence() || value.is_mapping()) {
    if (!out.exact_wanted) {
      return Fail(out, at, reference,
                  fmt::format("'{}' is {} and cannot be part of a text", reference.text,
                              DescribeNode(value)),
                  "use the reference alone, or refer to one of its elements");
    }
    out.exact = &value;
    return;
  }
  // A parameter's text may hold ${env.X}; only parameters do, so this goes one level deep.
  Resolved inner = Resolve(value, scope, mode);
  if (inner.state == Resolved::State::kFailed) {
    out.failed = true;
  } else if (inner.state == Resolved::State::kAtRunTime) {
    out.pattern += inner.text;
    for (Reference& left : inner.left) {
      left.offset = reference.offset;  // it is `reference` that stands in the text at hand
      left.length = reference.length;
      out.left.push_back(std::move(left));
    }
  } else {
    out.AddText(ScalarText(inner.value()));
    out.exact = inner.shared;
    if (inner.shared == nullptr) {
      out.owned = std::move(inner.owned);
      out.has_owned = true;
    }
  }
}

void Resolver::AppendWorld(const Reference& reference, const Node& at, ResolveMode mode,
                           Assembly& out) const {
  Node value = Node::Scalar({}, at.place);
  value.literal = true;
  Reference absolute = reference;
  if (reference.root == ReferenceRoot::kSchedule) {
    value.text = world_.schedule_time;
    value.plain = false;
  } else if (reference.root == ReferenceRoot::kEnv) {
    const auto found = world_.env ? world_.env(reference.path) : std::nullopt;
    if (!found) {
      return Fail(out, at, reference,
                  fmt::format("environment variable '{}' is not set", reference.path),
                  fmt::format("set it before you start dml: {}=... dml run ...", reference.path));
    }
    value.text = *found;
  } else {
    if (!reference.path.starts_with('/')) {
      absolute.path = DirectoryOf(at.place) + "/" + reference.path;
    }
    absolute.text = fmt::format("${{file:{}}}", absolute.path);
    const bool secret = mode == ResolveMode::kByReference && world_.read_secret;
    auto content = (secret ? world_.read_secret : world_.read_file)(absolute.path);
    if (!content.ok())
      return Fail(out, at, reference, content.error().message, content.error().hint);
    value.text = std::move(content).value();
    if (value.text.ends_with('\n')) value.text.pop_back();
    value.plain = false;
  }
  if (mode == ResolveMode::kByReference && reference.root != ReferenceRoot::kSchedule) {
    out.Leave(std::move(absolute));
    return;
  }
  if (!IsUtf8(value.text)) {
    const bool file = reference.root == ReferenceRoot::kFile;
    return Fail(out, at, reference,
                fmt::format("{} '{}' is not UTF-8", file ? "the file" : "environment variable",
                            reference.path),
                file ? "save it as UTF-8; a file of other bytes is an input, not a text"
                     : "values of parameters are texts in UTF-8");
  }
  out.AddText(value.text);
  out.owned = std::move(value);
  out.has_owned = true;
}

void Resolver::AppendMatrix(const Reference& reference, const Node& at, const Scope& scope,
                            ResolveMode mode, Assembly& out) const {
  const bool is_item = reference.root == ReferenceRoot::kItem;
  const std::string_view key =
      is_item ? std::string_view("item")
              : std::string_view(reference.path).substr(0, reference.path.find('.'));
  if (scope.matrix_keys == nullptr ||
      std::ranges::find(*scope.matrix_keys, key) == scope.matrix_keys->end()) {
    std::string hint = is_item ? "${item} is the element of a step's `foreach:`"
                               : "${matrix.NAME} is a value of the same step's `matrix:`";
    if (scope.matrix_keys != nullptr) {
      const std::string near = DidYouMean(key, *scope.matrix_keys);
      if (!near.empty()) hint = near;
    }
    return Fail(out, at, reference, fmt::format("undefined reference '{}'", reference.text),
                std::move(hint));
  }
  if (scope.task == nullptr) {
    out.per_task = true;
    return;
  }
  const auto bound = std::ranges::find(*scope.task, key, &Binding::key);
  if (bound == scope.task->end()) {
    return Fail(out, at, reference,
                fmt::format("'{}' has no value in every task of the matrix", reference.text),
                "give the key to the matrix itself or to each of its `include` entries");
  }
  std::string_view path = reference.path;
  if (!is_item) path = path.size() == key.size() ? "" : path.substr(key.size() + 1);
  const Node* value = FindPath(bound->value, path);
  if (value == nullptr) {
    return Fail(out, at, reference, fmt::format("undefined reference '{}'", reference.text),
                SuggestPath(bound->value, path, fmt::format("the keys of '{}' are", key)));
  }
  AppendNode(*value, reference, at, scope, mode, out);
}

void Resolver::AppendMetric(const Reference& reference, const Node& at, const Scope& scope,
                            Assembly& out) const {
  if (scope.steps == nullptr) {
    return Fail(out, at, reference,
                fmt::format("'{}' is known only while the pipeline runs", reference.text),
                "metrics can be used in with, run, env and if");
  }
  const std::string id = FindStepId(*scope.steps, scope.prefix, reference.step);
  if (id.empty()) {
    std::vector<std::string> names;
    if (diagnostics_.wants_suggestions()) {
      for (const auto& [name, position] : *scope.steps) names.push_back(name);
      std::ranges::sort(names);
    }
    return Fail(out, at, reference,
                fmt::format("undefined reference '{}': there is no step '{}'", reference.text,
                            reference.step),
                DidYouMean(reference.step, names));
  }
  Reference full = reference;
  full.step = id;
  full.text = fmt::format("${{steps.{}.metrics.{}}}", id, reference.path);
  out.Leave(std::move(full));
}

void Resolver::AppendPort(const Reference& reference, const Node& at, const Scope& scope,
                          Assembly& out) const {
  const bool is_input = reference.root == ReferenceRoot::kInputs;
  const auto* ports = is_input ? scope.inputs : scope.outputs;
  if (ports == nullptr) {
    return Fail(
        out, at, reference,
        fmt::format("'{}' has a meaning only in `run:` and `env:` of a run step", reference.text));
  }
  const auto found = ports->find(reference.path);
  if (found == ports->end()) {
    std::vector<std::string> names;
    for (const auto& [name, path] : *ports) names.push_back(name);
    std::string hint = DidYouMean(reference.path, names);
    if (hint.empty()) {
      hint = is_input ? "declare it under `input:`" : "declare it under `outputs:`";
    }
    return Fail(out, at, reference, fmt::format("undefined reference '{}'", reference.text),
                std::move(hint));
  }
  out.AddText(found->second);
}

}  // namespace dml::pipelines
