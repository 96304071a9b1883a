#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pipelines/validate/context.h"
#include "pipelines/yaml/parse.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

constexpr std::array<std::string_view, 3> kIncludeKeys{"file", "as", "with"};
constexpr std::size_t kIncludeDepthMax = 16;
constexpr std::size_t kFilesMax = 1000;

bool IsId(std::string_view text) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  if (text.empty() || (!letter(text[0]) && text[0] != '_')) return false;
  return std::ranges::all_of(
      text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

// The id of a step, checked; "" if there is none.
std::string ReadId(const Node& step, Diagnostics& diagnostics) {
  const Node* id = step.Find("id");
  if (id == nullptr) {
    diagnostics.Add(step.place, "a step needs an 'id'", "add id: and a short name");
    return {};
  }
  if (id->is_scalar() && IsId(id->text)) return id->text;
  diagnostics.Add(id->place, fmt::format("'id' must be a name, found {}", DescribeNode(*id)),
                  "use letters, digits, _ and -, beginning with a letter");
  return {};
}

// Steps of the same file, included twice, stand at one place: what is to be mended are the
// includes.
void ReportDuplicate(ValidateContext& context, const StepDecl& step, const Place& id,
                     std::size_t first) {
  const StepDecl& other = context.pipeline.steps[first];
  const Place& here = context.pipeline.files[step.file].included_at;
  const Place& there = context.pipeline.files[other.file].included_at;
  if (step.file == other.file || here.source == nullptr || there.source == nullptr) {
    context.diagnostics.Add(id, fmt::format("duplicate step id '{}'", step.id),
                            fmt::format("the first is at {}:{}; give each step its own id",
                                        other.place.source->name, other.place.line));
    return;
  }
  context.diagnostics.Add(
      here, "the steps of this include bear names that those of another bear already",
      fmt::format("'{}' for one is also in the include at {}:{}; give each its own `as`", step.id,
                  there.source->name, there.line));
}

void AddSteps(ValidateContext& context, std::size_t file) {
  const FileDecl& decl = context.pipeline.files[file];
  const Node* steps = decl.document->root.Find("steps");
  if (steps == nullptr || steps->is_null()) {
    if (file == 0 && decl.document->root.Find("include") == nullptr) {
      context.diagnostics.Add(decl.document->root.place, "a pipeline needs 'steps'",
                              "add steps: and a list such as - {id: raw, uses: load.csv, with: "
                              "{path: data.csv}}");
    }
    return;
  }
  if (!ExpectSequence(*steps, "'steps'", context.diagnostics)) return;
  for (const Node& node : steps->items) {
    if (!ExpectMapping(node, "a step", context.diagnostics)) continue;
    std::string id = ReadId(node, context.diagnostics);
    StepDecl step;
    step.id = decl.prefix + id;
    step.place = node.place;
    step.file = file;
    const std::size_t position = context.pipeline.steps.size();
    if (!id.empty()) {
      const auto [first, inserted] = context.pipeline.step_names.emplace(step.id, position);
      if (!inserted) ReportDuplicate(context, step, node.Find("id")->place, first->second);
    }
    context.pipeline.steps.push_back(std::move(step));
    context.step_nodes.push_back(&node);
  }
}

// Resolves the `with:` of an include in the scope of the including file.
Node ResolveWith(ValidateContext& context, const Node& with, const FileDecl& file) {
  Scope scope;
  scope.params = &file.params;
  Node out = with;
  for (Node& item : out.items) {
    const Resolved resolved = context.resolver.Resolve(item, scope, ResolveMode::kByReference);
    if (resolved.state == Resolved::State::kKnown) {
      item = Node(resolved.value());
    } else if (resolved.state == Resolved::State::kAtRunTime) {
      item = Node::Scalar(resolved.text, item.place, /*plain=*/false);
    }
  }
  return out;
}

struct IncludeEntry {
  Place place;
  const Node* file = nullptr;
  std::string prefix;
  const Node* with = nullptr;
};

std::optional<IncludeEntry> ReadEntry(const Node& node, Diagnostics& diagnostics) {
  IncludeEntry entry;
  entry.place = node.place;
  if (node.is_scalar()) {
    entry.file = &node;
    return entry;
  }
  if (!ExpectMapping(node, "an include", diagnostics)) return std::nullopt;
  CheckKeys(node, kIncludeKeys, "an include", /*extensions=*/false, diagnostics);
  entry.file = node.Find("file");
  if (entry.file == nullptr || !entry.file->is_scalar()) {
    diagnostics.Add(node.place, "an include needs 'file'", "write file: other.yaml");
    return std::nullopt;
  }
  if (const Node* as = node.Find("as")) {
    if (!as->is_scalar() || !IsId(as->text)) {
      diagnostics.Add(as->place, fmt::format("'as' must be a name, found {}", DescribeNode(*as)));
      return std::nullopt;
    }
    entry.prefix = as->text + ".";
  }
  entry.with = node.Find("with");
  if (entry.with != nullptr && !ExpectMapping(*entry.with, "'with'", diagnostics)) {
    return std::nullopt;
  }
  return entry;
}

std::string DisplayName(const std::string& including, const std::string& path) {
  const std::size_t slash = including.rfind('/');
  if (path.starts_with('/') || slash == std::string::npos) return path;
  return including.substr(0, slash + 1) + path;
}

void Include(ValidateContext& context, std::size_t file, const IncludeEntry& entry,
             const std::vector<std::string>& including) {
  const FileDecl& outer = context.pipeline.files[file];
  const Source& source = *outer.document->source;
  const std::string path = AbsolutePath(source.directory, entry.file->text);
  if (std::ranges::find(including, path) != including.end()) {
    std::string chain;
    for (const std::string& name : including) chain += name + " -> ";
    return context.diagnostics.Add(entry.file->place, "files include each other in a circle",
                                   chain + path);
  }
  if (including.size() >= kIncludeDepthMax || context.pipeline.files.size() >= kFilesMax) {
    return context.diagnostics.Add(entry.file->place, "too many included files");
  }
  auto text = context.world.read_file(path);
  if (!text.ok()) {
    std::string hint = text.error().hint;
    if (hint.empty()) hint = "paths of included files start at the file that includes them";
    return context.diagnostics.Add(entry.file->place, text.error().message, std::move(hint));
  }
  const auto order = static_cast<int>(context.pipeline.files.size());
  auto inner = MakeSource(DisplayName(source.name, entry.file->text),
                          path.substr(0, path.rfind('/')), std::move(text).value(), order);
  auto parsed = ParseYaml(inner, context.diagnostics);
  if (!parsed) return;
  const auto document = std::make_shared<const Document>(std::move(*parsed));
  if (!ExpectMapping(document->root, "an included file", context.diagnostics)) return;
  Node with;
  if (entry.with != nullptr) with = ResolveWith(context, *entry.with, outer);
  Node params = IncludedParams(context, *document, &with);
  std::string prefix = outer.prefix + entry.prefix;
  AddFile(context, document, prefix, std::move(params), including, entry.place);
}

// A mapping among the keys of a file whose values its steps share.
Node SharedMapping(ValidateContext& context, const Node& root, std::string_view key) {
  const Node* node = root.Find(key);
  Node none;
  none.kind = Node::Kind::kMapping;
  if (node == nullptr || node->is_null()) return none;
  return ExpectMapping(*node, fmt::format("'{}'", key), context.diagnostics) ? *node : none;
}

}  // namespace

void AddFile(ValidateContext& context, const std::shared_ptr<const Document>& document,
             const std::string& prefix, Node params, std::vector<std::string> including,
             Place included_at) {
  const std::size_t file = context.pipeline.files.size();
  const Source& source = *document->source;
  including.push_back(
      AbsolutePath(source.directory, source.name.substr(source.name.rfind('/') + 1)));
  context.pipeline.files.push_back({prefix, document, std::move(params),
                                    SharedMapping(context, document->root, "defaults"),
                                    SharedMapping(context, document->root, "env"), included_at});
  if (const Node* include = document->root.Find("include")) {
    const std::span<const Node> entries =
        include->is_sequence() ? std::span(include->items) : std::span(include, 1);
    for (const Node& node : entries) {
      const auto entry = ReadEntry(node, context.diagnostics);
      if (entry) Include(context, file, *entry, including);
    }
  }
  AddSteps(context, file);
}

}  // namespace dml::pipelines
