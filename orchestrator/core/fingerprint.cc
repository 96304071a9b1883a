#include "orchestrator/core/fingerprint.h"

#include <fmt/format.h>

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

std::string Phrase(const std::string& pointer, const Json* before, const Json* after) {
  std::string name = Dotted(pointer);
  if (name.starts_with("inputs.")) return fmt::format("input {} changed", name.substr(7));
  if (name.starts_with("work.0.")) name.erase(0, 7);
  if (name.starts_with("files.")) return fmt::format("file of {} changed", name.substr(6));
  return fmt::format("{} {} -> {}", name, Shown(before), Shown(after));
}

}  // namespace

Json KeyFields(const KeyParts& parts) {
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
  return fields;
}

Digest KeyOf(const Json& fields) {
  Fingerprint fingerprint;
  fingerprint.Add("dml.key", CanonicalJson(fields));
  return fingerprint.Finish();
}

std::string DescribeKeyChange(const Json& before, const Json& after) {
  const Json old_flat = before.flatten();
  const Json new_flat = after.flatten();
  std::set<std::string> pointers;
  for (const auto& item : old_flat.items()) pointers.insert(item.key());
  for (const auto& item : new_flat.items()) pointers.insert(item.key());
  // What the user wrote explains more than the input that follows from it.
  for (const bool input : {false, true}) {
    for (const std::string& pointer : pointers) {
      const Json* old_value = Find(old_flat, pointer);
      const Json* new_value = Find(new_flat, pointer);
      const bool same = old_value != nullptr && new_value != nullptr && *old_value == *new_value;
      if (same || pointer.starts_with("/inputs/") != input) continue;
      std::string shown = pointer;
      // The position within a port says nothing to people.
      if (input) shown = shown.substr(0, shown.find('/', 8));
      return Phrase(shown, old_value, new_value);
    }
  }
  return {};
}

}  // namespace dml::core
