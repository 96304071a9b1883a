#include "orchestrator/core/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace dml::core {

namespace {

using pipelines::CommandWork;
using pipelines::NativeWork;

constexpr std::size_t kShownMax = 40;

Json NativeFields(const NativeWork& work, const std::map<std::string, Digest>& files) {
  Json params = work.params;
  for (const auto& [name, digest] : files) {
    if (params.is_object()) params.erase(name);
  }
  return {{"uses", work.uses}, {"algorithm", work.algorithm_version}, {"params", params}};
}

Json CommandFields(const CommandWork& work) {
  return {{"argv", work.argv},
          {"shell", work.shell},
          {"inputs", work.inputs},
          {"outputs", work.outputs}};
}

std::string Shown(const Json* value) {
  if (value == nullptr) return "absent";
  std::string text = CanonicalJson(*value);
  if (text.size() > kShownMax) text = text.substr(0, kShownMax - 3) + "...";
  return text;
}

// "/params/cv/folds" -> "params.cv.folds"
std::string Dotted(std::string pointer) {
  pointer.erase(0, 1);
  for (char& c : pointer) c = c == '/' ? '.' : c;
  return pointer;
}

const Json* Find(const Json& flat, const std::string& pointer) {
  const auto it = flat.find(pointer);
  return it == flat.end() ? nullptr : &*it;
}

KeyChange Describe(const std::string& pointer, const Json* before, const Json* after) {
  std::string name = Dotted(pointer);
  if (name.starts_with("inputs.")) {
    // The position within a port says nothing to people.
    const std::string port = name.substr(7, name.find('.', 7) - 7);
    return {KeyChange::Kind::kInput, port, fmt::format("input {} changed", port)};
  }
  if (name.starts_with("work.0.")) name.erase(0, 7);
  if (name.starts_with("files.")) {
    const std::string param = name.substr(6);
    return {KeyChange::Kind::kFile, param, fmt::format("file of {} changed", param)};
  }
  std::string text = fmt::format("{} {} -> {}", name, Shown(before), Shown(after));
  return {KeyChange::Kind::kValue, std::move(name), std::move(text)};
}

}  // namespace

std::string KeyFields(const KeyParts& parts) {
  Json work = Json::array();
  for (const KeyParts::Part& part : parts.parts) {
    const auto* native = std::get_if<NativeWork>(&part.work);
    Json fields = native != nullptr ? NativeFields(*native, part.files)
                                    : CommandFields(std::get<CommandWork>(part.work));
    for (const auto& [name, digest] : part.files) fields["files"][name] = digest.Hex();
    work.push_back(std::move(fields));
  }
  Json fields{{"format", kKeyFormat}, {"work", std::move(work)}};
  for (const auto& [port, digest] : parts.inputs) fields["inputs"][port].push_back(digest.Hex());
  if (!parts.env.empty()) fields["env"] = parts.env;
  return CanonicalJson(fields);
}

Digest KeyOf(std::string_view fields) {
  Fingerprint fingerprint;
  fingerprint.Add("dml.key", fields);
  return fingerprint.Finish();
}

Json ParseKeyFields(std::string_view fields) {
  Json parsed = Json::parse(fields, nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? parsed : Json::object();
}

std::vector<KeyChange> KeyChanges(std::string_view before, std::string_view after) {
  const Json old_flat = ParseKeyFields(before).flatten();
  const Json new_flat = ParseKeyFields(after).flatten();
  std::set<std::string> pointers;
  for (const auto& item : old_flat.items()) pointers.insert(item.key());
  for (const auto& item : new_flat.items()) pointers.insert(item.key());
  std::vector<KeyChange> changes;
  for (const std::string& pointer : pointers) {
    const Json* old_value = Find(old_flat, pointer);
    const Json* new_value = Find(new_flat, pointer);
    const bool same = old_value != nullptr && new_value != nullptr && *old_value == *new_value;
    if (same) continue;
    KeyChange change = Describe(pointer, old_value, new_value);
    const bool said = !changes.empty() && changes.back().text == change.text;
    if (!said) changes.push_back(std::move(change));
  }
  std::ranges::stable_sort(changes, {}, &KeyChange::kind);
  return changes;
}

}  // namespace dml::core
