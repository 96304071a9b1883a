#include "pipelines/params/check.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "pipelines/yaml/text_place.h"

namespace dml::pipelines {

namespace {

using Found = std::vector<ParamProblem>;

bool HoldsOpenValue(std::span<const std::string> open, const std::string& pointer) {
  return std::ranges::any_of(
      open, [&](const std::string& at) { return at == pointer || at.starts_with(pointer + "/"); });
}

void Judge(const ParamCheck& check, const Json& params, const std::string& pointer,
           std::span<const std::string> open, Found& found) {
  if (!check || HoldsOpenValue(open, pointer)) return;
  for (ParamProblem& problem : check(params)) {
    problem.at.insert(0, pointer);
    found.push_back(std::move(problem));
  }
}

// The transforms of a list such as `preprocess:`; a null stands for one that is not known yet.
void JudgeTransforms(const StepCatalog& catalog, const Json& list, const std::string& pointer,
                     std::span<const std::string> open, Found& found) {
  if (!list.is_array()) return;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object() || list[i].size() != 1) continue;
    const TransformSpec* transform = catalog.FindTransform(list[i].begin().key());
    if (transform == nullptr) continue;
    const Json::json_pointer at = Json::json_pointer(pointer) / i / transform->name;
    Judge(transform->check, list[i].begin().value(), at.to_string(), open, found);
  }
}

const Node* Child(const Node& node, const std::string& token, const Place*& key) {
  if (node.is_mapping()) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i].text != token) continue;
      key = &node.keys[i].place;
      return &node.items[i];
    }
  }
  // An entry of an ordered map is bound as [key, value]: `0` in it is the key, `1` the value.
  std::size_t index = 0;
  const auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (failure != std::errc() || index >= node.items.size()) return nullptr;
  key = node.is_mapping() ? &node.keys[index].place : nullptr;
  return &node.items[index];
}

bool IsAtOrBelow(std::string_view at, const std::string& pointer) {
  return at == pointer || at.starts_with(pointer + "/");
}

bool ContinuesWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool SaysName(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || !ContinuesWord(text[at - 1]);
    if (begins && (end == text.size() || !ContinuesWord(text[end]))) return true;
  }
  return false;
}

// Whether it may come of a value that was refused.
bool IsConsequence(const ParamProblem& problem, std::span<const std::string> refused) {
  return std::ranges::any_of(refused, [&](const std::string& pointer) {
    if (IsAtOrBelow(problem.at, pointer) || IsAtOrBelow(pointer, problem.at)) return true;
    const std::string_view name = std::string_view(pointer).substr(pointer.rfind('/') + 1);
    return SaysName(problem.message, name) || SaysName(problem.hint, name);
  });
}

// The parameters without what was refused: absent ones have their defaults.
Json WithoutRefused(const Json& params, std::span<const std::string> refused) {
  Json out = params;
  for (const std::string& text : refused) {
    const Json::json_pointer pointer(text);
    if (pointer.empty() || !out.contains(pointer)) continue;
    Json& holder = out[pointer.parent_pointer()];
    if (holder.is_object()) holder.erase(pointer.back());
  }
  return out;
}

// The same without lists of transforms in which one is unknown, which only have their own checks.
Json WithoutBrokenLists(Json params, const StepSpec& spec) {
  for (const ParamSpec& param : spec.params) {
    const auto list = params.find(param.name);
    if (param.type != ParamType::kTransforms || list == params.end()) continue;
    if (std::ranges::any_of(*list, [](const Json& item) { return item.is_null(); })) {
      params.erase(list);
    }
  }
  return params;
}

}  // namespace

std::vector<std::string> OpenPointers(const BoundParams& params) {
  std::vector<std::string> out;
  for (const Hole& hole : params.holes) out.push_back(hole.pointer.to_string());
  for (const RuntimeHole& hole : params.runtime) out.push_back(hole.pointer);
  return out;
}

Place PlaceOf(const ParamProblem& problem, const WrittenParams& written) {
  if (written.with == nullptr) return written.place;
  const Node* node = written.with;
  const Place* key = &written.place;
  std::vector<std::string> tokens;  // a pointer only gives its last one
  for (Json::json_pointer rest(problem.at); !rest.empty(); rest.pop_back()) {
    tokens.push_back(rest.back());
  }
  while (!tokens.empty()) {
    const bool entry = node->is_mapping() && node->Find(tokens.back()) == nullptr;
    const Node* next = Child(*node, tokens.back(), key);
    // An empty word below a value, "/columns/age/", is its key.
    if (next == nullptr && tokens.size() == 1 && tokens.back().empty()) return *key;
    if (next == nullptr) break;
    node = next;
    tokens.pop_back();
    if (!entry || tokens.empty()) continue;
    if (tokens.back() == "0") return *key;
    tokens.pop_back();
  }
  if (tokens.empty() && problem.offset && node->is_scalar())
    return PlaceInText(*node, *problem.offset);
  return node->is_mapping() && key != nullptr ? *key : node->place;
}

void CheckParams(const StepSpec& spec, const StepCatalog& catalog, const Json& params,
                 std::span<const std::string> open, const WrittenParams& written,
                 Diagnostics& diagnostics) {
  Found found;
  const std::span<const std::string> refused = written.refused;
  Json kept;
  if (!refused.empty()) kept = WithoutRefused(params, refused);
  const Json& judged = refused.empty() ? params : kept;
  Json whole;
  if (!refused.empty()) whole = WithoutBrokenLists(kept, spec);
  Judge(spec.check, refused.empty() ? params : std::as_const(whole), "", open, found);
  for (const ParamSpec& param : spec.params) {
    if (param.type != ParamType::kTransforms) continue;
    const auto list = judged.find(param.name);
    if (list != judged.end()) JudgeTransforms(catalog, *list, "/" + param.name, open, found);
  }
  for (ParamProblem& problem : found) {
    if (IsConsequence(problem, refused)) continue;
    diagnostics.Add(PlaceOf(problem, written), std::move(problem.message), std::move(problem.hint));
  }
}

}  // namespace dml::pipelines
