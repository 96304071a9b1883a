#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/suggest.h"
#include "pipelines/validate/context.h"
#include "pipelines/yaml/parse.h"
#include "pipelines/yaml/scalar.h"
#include "pipelines/yaml/source_text.h"

namespace dml::pipelines {

namespace {

// Text without a type of its own: what is given instead of it is text as well.
bool IsText(const Node& node) {
  return node.is_scalar() && (!node.plain || (!AsBool(node) && !AsFloat(node)));
}

Node* FindMutable(Node& mapping, std::string_view key) {
  for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
    if (mapping.keys[i].text == key) return &mapping.items[i];
  }
  return nullptr;
}

// The element that a piece of a dotted name stands for: a key, or a number from 0 in a list.
Node* FindElement(Node& node, std::string_view piece) {
  if (!node.is_sequence()) return FindMutable(node, piece);
  std::size_t index = 0;
  const auto [end, failure] = std::from_chars(piece.data(), piece.data() + piece.size(), index);
  const bool number = failure == std::errc() && end == piece.data() + piece.size();
  return number && index < node.items.size() ? &node.items[index] : nullptr;
}

std::string HowToName(const Node& parent, std::string_view piece) {
  if (parent.is_sequence()) {
    return fmt::format("this list has {} elements, counted from 0", parent.items.size());
  }
  std::vector<std::string> names;
  for (const Node::Key& known : parent.keys) names.push_back(known.text);
  std::string hint = DidYouMean(piece, names);
  return hint.empty() ? "declare it under `params:` with a default" : hint;
}

constexpr std::string_view kTruth = "true or false";

// What a default lets its parameter be; "" for anything.
std::string_view KindOf(const Node& node) {
  if (node.is_sequence()) return "a list";
  if (node.is_mapping()) return "a mapping";
  if (!node.is_scalar() || MayHoldReference(node.text)) return "";
  if (IsText(node)) return "a text";
  return AsBool(node) ? kTruth : "a number";
}

// A word that is not of the default's kind is a slip, and would only be noticed, if at all, by
// whoever uses it.
bool IsOfKind(ValidateContext& context, const std::string& key, const Node& value,
              const Node& present) {
  const std::string_view wanted = KindOf(present);
  const std::string_view given = KindOf(value);
  if (wanted.empty() || given.empty() || wanted == given) return true;
  context.diagnostics.Add(
      value.place, fmt::format("'{}' is {} by default, not {}", key, wanted, DescribeNode(value)),
      wanted == kTruth ? ScalarTrap(value) : "");
  return false;
}

// The value of -S as a node, typed like a YAML value unless the default is text.
std::optional<Node> ParseOverride(ValidateContext& context, const Source& main,
                                  const std::string& key, const std::string& text,
                                  const Node& present) {
  auto source = MakeSource("-S " + key, main.directory, text, -1);
  if (!IsUtf8(text)) {
    context.diagnostics.Add({source.get(), 1, 1},
                            fmt::format("the value of '{}' is not UTF-8", key),
                            "write it in a terminal whose locale is UTF-8");
    return std::nullopt;
  }
  if (IsText(present)) {
    auto document = std::make_shared<Document>();
    document->source = source;
    context.pipeline.texts.push_back(document);
    const auto width = static_cast<int>(std::max<std::size_t>(text.size(), 1));
    return Node::Scalar(text, {source.get(), 1, 1, width}, present.plain);
  }
  auto document = ParseYaml(source, context.diagnostics);
  if (!document) return std::nullopt;
  context.pipeline.texts.push_back(std::make_shared<Document>(*document));
  if (!IsOfKind(context, key, document->root, present)) return std::nullopt;
  return document->root;
}

void ApplyOverride(ValidateContext& context, const Source& main, Node& params,
                   const std::string& key, const std::string& text) {
  Node* node = &params;
  std::string_view rest = key;
  while (node != nullptr && !rest.empty()) {
    const std::size_t dot = rest.find('.');
    const std::string_view piece = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    Node& parent = *node;
    node = FindElement(parent, piece);
    if (node != nullptr) continue;
    const auto source = MakeSource("-S", "", key + "=" + text, -1);
    context.diagnostics.Add({source.get(), 1, 1, static_cast<int>(key.size())},
                            fmt::format("the pipeline has no parameter '{}'", key),
                            HowToName(parent, piece));
    return;
  }
  if (key.empty() || node == nullptr) return;
  auto value = ParseOverride(context, main, key, text, *node);
  if (value) *node = std::move(*value);
}

// Replaces references to parameters; ${env.X} and ${file:x} stay, so that secrets are not stored.
Node ResolveTree(const Resolver& resolver, const Node& node, const Scope& scope) {
  if (node.is_scalar()) {
    Resolved resolved = resolver.Resolve(node, scope, ResolveMode::kByReference);
    if (resolved.state == Resolved::State::kAtRunTime) {
      Node out = Node::Scalar(std::move(resolved.text), node.place, /*plain=*/false);
      return out;
    }
    Node out = resolved.state == Resolved::State::kFailed ? Node() : resolved.value();
    out.place = node.place;
    return out;
  }
  Node out = node;
  for (Node& item : out.items) item = ResolveTree(resolver, item, scope);
  return out;
}

Node ResolveParams(ValidateContext& context, const Node& declared) {
  Node out;
  out.kind = Node::Kind::kMapping;
  out.place = declared.place;
  Scope scope;
  scope.params = &out;
  for (std::size_t i = 0; i < declared.keys.size(); ++i) {
    Node value = ResolveTree(context.resolver, declared.items[i], scope);
    out.keys.push_back(declared.keys[i]);
    out.items.push_back(std::move(value));
  }
  return out;
}

Node DeclaredParams(ValidateContext& context, const Document& document) {
  const Node* declared = document.root.Find("params");
  if (declared == nullptr || declared->is_null() ||
      !ExpectMapping(*declared, "'params'", context.diagnostics)) {
    Node none;
    none.kind = Node::Kind::kMapping;
    return none;
  }
  return *declared;
}

}  // namespace

Node MainParams(ValidateContext& context, const Document& document, const Overrides& overrides) {
  Node params = DeclaredParams(context, document);
  for (const auto& [key, text] : overrides) {
    ApplyOverride(context, *document.source, params, key, text);
  }
  return ResolveParams(context, params);
}

Node IncludedParams(ValidateContext& context, const Document& document, const Node* with) {
  Node params = DeclaredParams(context, document);
  for (std::size_t i = 0; with != nullptr && i < with->keys.size(); ++i) {
    Node* known = FindMutable(params, with->keys[i].text);
    if (known != nullptr) {
      *known = with->items[i];
      continue;
    }
    std::vector<std::string> names;
    for (const Node::Key& key : params.keys) names.push_back(key.text);
    context.diagnostics.Add(
        with->keys[i].place,
        fmt::format("the included file has no parameter '{}'", with->keys[i].text),
        DidYouMean(with->keys[i].text, names));
  }
  return ResolveParams(context, params);
}

}  // namespace dml::pipelines
