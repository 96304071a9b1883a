#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "pipelines/validate/context.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

// A copy of `node` in which nothing refers to anything any more.
Node Settle(ValidateContext& context, const Node& node, const Scope& scope) {
  if (node.is_scalar()) {
    const Resolved resolved = context.resolver.Resolve(node, scope);
    if (resolved.state != Resolved::State::kKnown) return {};
    if (!resolved.value().is_scalar()) return Settle(context, resolved.value(), scope);
    Node out = resolved.value();
    out.literal = true;
    return out;
  }
  Node out = node;
  for (Node& item : out.items) item = Settle(context, item, scope);
  return out;
}

// The values of an axis: a list, or a reference to one.
std::optional<std::vector<Node>> ReadValues(ValidateContext& context, const Node& node,
                                            const std::string& what, const Scope& scope) {
  Diagnostics& diagnostics = context.diagnostics;
  const std::size_t before = diagnostics.size();
  Node settled = Settle(context, node, scope);
  if (diagnostics.size() > before) return std::nullopt;
  if (!settled.is_sequence()) {
    diagnostics.Add(
        node.place,
        fmt::format("{} must be a list of values, found {}", what, DescribeNode(settled)),
        "write [a, b, c], or refer to a list in params");
    return std::nullopt;
  }
  if (settled.items.empty()) {
    diagnostics.Add(node.place, fmt::format("{} has no values", what), "give it at least one");
    return std::nullopt;
  }
  std::unordered_set<std::string> seen;
  for (const Node& item : settled.items) {
    if (!seen.insert(CanonicalJson(ToJson(item))).second) {
      diagnostics.Add(item.place, fmt::format("{} has {} twice", what, DescribeNode(item)),
                      "every task needs its own values");
      return std::nullopt;
    }
  }
  return std::move(settled.items);
}

std::vector<Matrix::Row> ReadRows(ValidateContext& context, const Node& node,
                                  const std::string& what, const Scope& scope) {
  std::vector<Matrix::Row> rows;
  const Node settled = Settle(context, node, scope);
  if (!settled.is_sequence()) {
    context.diagnostics.Add(node.place, fmt::format("{} must be a list of mappings, found {}", what,
                                                    DescribeNode(settled)));
    return rows;
  }
  for (const Node& item : settled.items) {
    if (!item.is_mapping()) {
      context.diagnostics.Add(item.place, fmt::format("{} must be a list of mappings, found {}",
                                                      what, DescribeNode(item)));
      continue;
    }
    Matrix::Row row;
    for (std::size_t i = 0; i < item.keys.size(); ++i) {
      row.emplace_back(item.keys[i].text, item.items[i]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void CheckExclude(ValidateContext& context, const Matrix& matrix) {
  for (const Matrix::Row& row : matrix.exclude) {
    for (const auto& [key, value] : row) {
      const auto axis = std::ranges::find(matrix.axes, key, &Axis::key);
      if (axis == matrix.axes.end()) {
        context.diagnostics.Add(value.place,
                                fmt::format("'exclude' names '{}', which is no matrix key", key));
        continue;
      }
      const Json wanted = ToJson(value);
      const bool there =
          std::ranges::any_of(axis->values, [&](const Node& one) { return ToJson(one) == wanted; });
      if (there || axis->values.empty()) continue;
      context.diagnostics.Warn(
          value.place,
          fmt::format("this 'exclude' removes nothing: '{}' never is {}", key, DescribeNode(value)),
          "write one of its values, or leave it out");
    }
  }
}

Matrix ReadMatrix(ValidateContext& context, const Node& node, const Scope& scope) {
  Matrix out;
  if (!ExpectMapping(node, "'matrix'", context.diagnostics)) return out;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& key = node.keys[i].text;
    if (key == "include") {
      out.include = ReadRows(context, node.items[i], "'include' of a matrix", scope);
    } else if (key == "exclude") {
      out.exclude = ReadRows(context, node.items[i], "'exclude' of a matrix", scope);
    } else {
      auto values = ReadValues(context, node.items[i], fmt::format("matrix key '{}'", key), scope);
      out.axes.push_back({key, values ? std::move(*values) : std::vector<Node>()});
    }
  }
  for (const Axis& axis : out.axes) out.keys.push_back(axis.key);
  for (const Matrix::Row& row : out.include) {
    for (const auto& [key, value] : row) {
      if (std::ranges::find(out.keys, key) == out.keys.end()) out.keys.push_back(key);
    }
  }
  if (out.keys.empty()) context.diagnostics.Add(node.place, "the matrix has no keys");
  CheckExclude(context, out);
  return out;
}

}  // namespace

std::optional<Matrix> ValidateMatrix(ValidateContext& context, const Node& step,
                                     const Scope& scope) {
  const Node* matrix = step.Find("matrix");
  const Node* foreach = step.Find("foreach");
  if (matrix != nullptr && foreach != nullptr) {
    context.diagnostics.Add(foreach->place, "a step has either 'matrix' or 'foreach', not both",
                            "add the list as another key of the matrix");
  }
  if (matrix != nullptr) return ReadMatrix(context, *matrix, scope);
  if (foreach == nullptr) return std::nullopt;
  Matrix out;
  out.is_foreach = true;
  auto values = ReadValues(context, *foreach, "'foreach'", scope);
  out.axes.push_back({"item", values ? std::move(*values) : std::vector<Node>()});
  out.keys.emplace_back("item");
  return out;
}

}  // namespace dml::pipelines
