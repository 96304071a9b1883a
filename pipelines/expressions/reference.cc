#include "pipelines/expressions/reference.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/suggest.h"

namespace dml::pipelines {

namespace {

struct Root {
  std::string_view name;
  ReferenceRoot root;
};

constexpr std::array<Root, 8> kRoots{{{"params", ReferenceRoot::kParams},
                                      {"matrix", ReferenceRoot::kMatrix},
                                      {"item", ReferenceRoot::kItem},
                                      {"env", ReferenceRoot::kEnv},
                                      {"steps", ReferenceRoot::kSteps},
                                      {"schedule", ReferenceRoot::kSchedule},
                                      {"inputs", ReferenceRoot::kInputs},
                                      {"outputs", ReferenceRoot::kOutputs}}};

Error UnknownRoot(std::string_view inside, std::string_view name) {
  std::vector<std::string> names{"file"};
  for (const Root& root : kRoots) names.emplace_back(root.name);
  std::string hint = DidYouMean(name, names);
  if (hint.empty()) {
    hint =
        "references begin with params, matrix, item, env, file:, steps, schedule, inputs or "
        "outputs; write $${...} for a literal ${...}";
  }
  return Error::Invalid(fmt::format("unknown reference '${{{}}}'", inside), std::move(hint));
}

// "best.metrics.C" -> step "best", path "C".
Result<Reference> ParseMetric(Reference reference, std::string_view inside) {
  static constexpr std::string_view kMiddle = ".metrics.";
  const std::size_t middle = reference.path.find(kMiddle);
  if (middle == std::string::npos || middle == 0 ||
      middle + kMiddle.size() == reference.path.size()) {
    return Error::Invalid(fmt::format("'${{{}}}' does not name a metric", inside),
                          "write ${steps.ID.metrics.NAME}");
  }
  reference.step = reference.path.substr(0, middle);
  reference.path.erase(0, middle + kMiddle.size());
  return reference;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// Reads the reference that begins at `open`; returns where the text goes on.
std::size_t TakeReference(std::string_view text, std::size_t open, ReadText& out) {
  if (text.substr(open).starts_with("${{")) {
    const std::size_t end = text.find("}}", open);
    const std::size_t length = end == std::string_view::npos ? 3 : end + 2 - open;
    out.problems.push_back(
        {open, length,
         Error::Invalid("'${{ ... }}' is not a dml reference", "write ${...} with one brace")});
    return open + length;
  }
  const std::size_t close = text.find('}', open);
  if (close == std::string_view::npos) {
    out.problems.push_back(
        {open, 2, Error::Invalid("'${' is not closed", "add '}', or write $${ for a literal ${")});
    return text.size();
  }
  const std::size_t length = close + 1 - open;
  Result<Reference> reference = ParseReference(text.substr(open + 2, length - 3));
  if (!reference.ok()) {
    out.problems.push_back({open, length, std::move(reference).error()});
    return close + 1;
  }
  reference->offset = open;
  reference->length = length;
  out.pieces.references.push_back(std::move(reference).value());
  out.pieces.literals.emplace_back();
  return close + 1;
}

}  // namespace

Result<Reference> ParseReference(std::string_view inside) {
  inside = Trim(inside);
  Reference reference;
  reference.text = fmt::format("${{{}}}", inside);
  if (inside.starts_with("file:")) {
    reference.root = ReferenceRoot::kFile;
    reference.path = Trim(inside.substr(5));
    if (reference.path.empty()) return Error::Invalid("'${file:}' names no file");
    return reference;
  }
  const std::size_t dot = inside.find('.');
  const std::string_view name = inside.substr(0, dot);
  for (const Root& root : kRoots) {
    if (root.name != name) continue;
    reference.root = root.root;
    if (dot != std::string_view::npos) reference.path = inside.substr(dot + 1);
    if (reference.path.empty() && root.root != ReferenceRoot::kItem) {
      return Error::Invalid(fmt::format("'{}' lacks a name after '{}'", reference.text, name),
                            fmt::format("write ${{{}.NAME}}", name));
    }
    if (root.root == ReferenceRoot::kSteps) return ParseMetric(std::move(reference), inside);
    if (root.root == ReferenceRoot::kSchedule && reference.path != "time") {
      return Error::Invalid(fmt::format("unknown reference '{}'", reference.text),
                            "the only one is ${schedule.time}");
    }
    return reference;
  }
  return UnknownRoot(inside, name);
}

ReadText ReadReferences(std::string_view text) {
  ReadText out;
  out.pieces.literals.emplace_back();
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("${", at);
    std::string& literal = out.pieces.literals.back();
    if (open == std::string_view::npos) {
      literal += text.substr(at);
      break;
    }
    const bool escaped = open > at && text[open - 1] == '$';
    literal += text.substr(at, open - at - (escaped ? 1 : 0));
    if (escaped) {
      literal += "${";
      at = open + 2;
    } else {
      at = TakeReference(text, open, out);
    }
  }
  return out;
}

Result<Template> ParseTemplate(std::string_view text) {
  ReadText read = ReadReferences(text);
  if (!read.problems.empty()) return std::move(read.problems[0].error);
  return std::move(read.pieces);
}

std::string EscapeTemplate(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "${") out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace dml::pipelines
