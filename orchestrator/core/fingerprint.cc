#include "orchestrator/core/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>

namespace dml::core {

namespace {

using pipelines::CommandWork;
using pipelines::NativeWork;

constexpr std::size_t kShownMax = 40;
constexpr std::size_t kSharedShownMax = 12;  // of what two long values begin with

// The text of a key is written directly: for a run of many small tasks, building a Json first and
// printing it was a quarter of the loop's work. It is what CanonicalJson would print.
void AppendText(std::string& out, std::string_view text) {
  const bool plain = std::ranges::all_of(
      text, [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (plain) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += CanonicalJson(Json(text));
  }
}

void AppendName(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  AppendText(out, name);
  out += ':';
}

void AppendTexts(std::string& out, const std::map<std::string, std::string>& texts) {
  out += '{';
  for (const auto& [name, text] : texts) {
    AppendName(out, name);
    AppendText(out, text);
  }
  out += '}';
}

// By their contents; the group only if there are any.
void AppendFiles(std::string& out, std::string_view group,
                 const std::map<std::string, Digest>& files) {
  if (files.empty()) return;
  AppendName(out, group);
  out += '{';
  for (const auto& [name, digest] : files) {
    AppendName(out, name);
    AppendText(out, digest.Hex());
  }
  out += '}';
}

// Where a parameter is that names a file: "path", or "path/0".
Json::json_pointer PointerTo(const std::string& param) { return Json::json_pointer("/" + param); }

void AppendNative(std::string& out, const NativeWork& work, const KeyParts::Part& part) {
  AppendName(out, "algorithm");
  out += std::to_string(work.algorithm_version);
  AppendFiles(out, "files", part.files);
  AppendName(out, "params");
  const bool replaced = std::ranges::any_of(
      part.files, [&](const auto& file) { return work.params.contains(PointerTo(file.first)); });
  if (replaced) {
    Json params = work.params;
    for (const auto& [name, digest] : part.files) {
      // Of a list, its place stays: the order counts.
      if (const auto at = PointerTo(name); params.contains(at)) params[at] = nullptr;
      if (params.contains(name)) params.erase(name);
    }
    out += CanonicalJson(params);
  } else {
    out += CanonicalJson(work.params);
  }
  AppendName(out, "uses");
  AppendText(out, work.uses);
}

void AppendCommand(std::string& out, const CommandWork& work, const KeyParts::Part& part) {
  AppendName(out, "argv");
  out += '[';
  for (const std::string& word : work.argv) {
    if (out.back() != '[') out += ',';
    AppendText(out, word);
  }
  out += ']';
  AppendFiles(out, "code", part.code);
  AppendFiles(out, "files", part.files);
  AppendName(out, "inputs");
  AppendTexts(out, work.inputs);
  if (!work.kinds.empty()) {
    AppendName(out, "kinds");
    AppendTexts(out, work.kinds);
  }
  if (!work.outputs.empty()) {
    AppendName(out, "modes");
    out += "true";
  }
  AppendName(out, "outputs");
  AppendTexts(out, work.outputs);
  AppendName(out, "shell");
  out += work.shell ? "true" : "false";
}

// Lists of digests by port, in the order of the names; within one, in the order given.
void AppendInputs(std::string& out, const KeyParts& parts) {
  std::map<std::string_view, std::vector<const Digest*>> ports;
  for (const auto& [port, digest] : parts.inputs) ports[port].push_back(&digest);
  AppendName(out, "inputs");
  out += '{';
  for (const auto& [port, digests] : ports) {
    AppendName(out, port);
    out += '[';
    for (const Digest* digest : digests) {
      if (out.back() != '[') out += ',';
      AppendText(out, digest->Hex());
    }
    out += ']';
  }
  out += '}';
}

std::string Shown(const Json* value) { return value == nullptr ? "absent" : CanonicalJson(*value); }

// The next place at or before `at` that is within neither a character nor an escape.
std::size_t Boundary(const std::string& text, std::size_t at) {
  while (at > 0 && ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80 || text[at - 1] == '\\'))
    --at;
  return at;
}

// A part of a long value, with "..." for what is left out; quoted if the value is.
std::string Excerpt(const std::string& text, std::size_t start) {
  const std::string_view quote = text.starts_with('"') ? "\"" : "";
  std::string out = start == 0 ? std::string() : fmt::format("{}...", quote);
  if (text.size() - start <= kShownMax) return out + text.substr(start);
  const std::size_t end = Boundary(text, start + kShownMax - 4);
  return out + text.substr(start, end - start) + fmt::format("...{}", quote);
}

// "0.1 -> 0.2"; of long values the part where they begin to differ.
std::string ShownChange(const Json* before, const Json* after) {
  const std::string old_text = Shown(before);
  const std::string new_text = Shown(after);
  std::size_t start = 0;
  if (std::max(old_text.size(), new_text.size()) > kShownMax) {
    const auto differ = std::ranges::mismatch(old_text, new_text).in1;
    const auto shared = static_cast<std::size_t>(differ - old_text.begin());
    // What is left out must be more than the dots that stand for it.
    if (shared > kSharedShownMax + 4 && shared < old_text.size()) {
      start = Boundary(old_text, shared - kSharedShownMax);
    }
  }
  return fmt::format("{} -> {}", Excerpt(old_text, start), Excerpt(new_text, start));
}

// "/params/cv/folds" -> "params.cv.folds"; "~1" and "~0" in a name stand for "/" and "~".
std::string Dotted(std::string_view pointer) {
  std::string out;
  for (std::size_t i = 1; i < pointer.size(); ++i) {
    const bool escaped = pointer[i] == '~' && i + 1 < pointer.size();
    if (escaped) {
      out += pointer[++i] == '1' ? '/' : '~';
    } else {
      out += pointer[i] == '/' ? '.' : pointer[i];
    }
  }
  return out;
}

// Whether a list is a mapping whose order matters, bound as [name, value] pairs.
bool IsOrderedMap(const Json& list) {
  std::set<std::string> names;
  for (const Json& pair : list) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) return false;
    if (!names.insert(pair[0].get<std::string>()).second) return false;
  }
  return !list.empty();
}

// The same values with such lists as mappings, so that a change has the name that was written.
Json ByName(Json value) {
  if (value.is_array() && IsOrderedMap(value)) {
    Json out = Json::object();
    for (Json& pair : value) out[pair[0].get<std::string>()] = ByName(std::move(pair[1]));
    return out;
  }
  if (value.is_structured()) {
    for (Json& item : value) item = ByName(std::move(item));
  }
  return value;
}

const Json* Find(const Json& flat, const std::string& pointer) {
  const auto it = flat.find(pointer);
  return it == flat.end() ? nullptr : &*it;
}

std::size_t CountSteps(const Json& fields) {
  const auto work = fields.find("work");
  return work == fields.end() ? 0 : work->size();
}

// "work.1.params.min" of a chain -> "clean.params.min"; of a single task -> "params.min".
std::string InMember(const std::string& name, const std::vector<std::string>& members) {
  if (!name.starts_with("work.")) return name;
  const std::size_t dot = name.find('.', 5);
  if (dot == std::string::npos) return name;
  const std::size_t position = std::strtoul(name.c_str() + 5, nullptr, 10);
  const std::string rest = name.substr(dot + 1);
  if (members.size() > 1 && position < members.size()) return members[position] + "." + rest;
  return position == 0 ? rest : name;
}

// A word of a command bears the name of the key that it was written under: "run", or "run.2" of a
// list.
std::string AsWritten(const std::string& pointer, const Json& flat) {
  const std::size_t argv = pointer.find("/argv/");
  if (!pointer.starts_with("/work/") || argv == std::string::npos) return Dotted(pointer);
  const std::string work = pointer.substr(0, argv);
  const Json* shell = Find(flat, work + "/shell");
  const bool one_text = shell != nullptr && *shell == true;
  return Dotted(work + (one_text ? "/run" : "/run" + pointer.substr(argv + 5)));
}

// The member of a chain that a change is in, for its text; nothing of a single task.
std::string MemberOf(std::size_t step, const std::vector<std::string>& members) {
  return members.size() > 1 && step < members.size() ? members[step] + "." : std::string();
}

// A group of files in the key of one of the steps.
struct FilePlace {
  std::size_t step = 0;
  bool code = false;
  std::string name;  // of the parameter, or of the code file
};

// "/work/1/files/path" -> 1, path.
std::optional<FilePlace> FilePlaceOf(const std::string& pointer) {
  if (!pointer.starts_with("/work/")) return std::nullopt;
  const std::size_t group = pointer.find('/', 6);
  if (group == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(pointer).substr(group);
  const bool code = rest.starts_with("/code/");
  if (!code && !rest.starts_with("/files/")) return std::nullopt;
  const std::size_t step = std::strtoul(pointer.c_str() + 6, nullptr, 10);
  return FilePlace{step, code, Dotted(rest.substr(code ? 5 : 6))};
}

KeyChange CodeChange(const std::string& name, const Json* before, const Json* after) {
  const std::string_view what = before == nullptr  ? "added to code"
                                : after == nullptr ? "removed from code"
                                                   : "changed";
  return {KeyChange::Kind::kFile, name, fmt::format("file {} {}", name, what)};
}

// What was kept of the files that a parameter named; null if nothing was.
const Json* SeenAt(const Json& fields, const FilePlace& place) {
  const auto seen = fields.find("seen");
  if (seen == fields.end() || !seen->is_object()) return nullptr;
  const auto step = seen->find(std::to_string(place.step));
  if (step == seen->end() || !step->is_object()) return nullptr;
  const auto param = step->find(place.name);
  if (param == step->end() || !param->is_object()) return nullptr;
  const bool whole = param->value("files", Json()).is_object() && param->contains("pattern");
  return whole ? &*param : nullptr;
}

// Which of the files that a parameter names were changed, added and removed.
void AddFileChanges(const Json& before, const Json& after, std::vector<KeyChange>& changes) {
  const auto add = [&](const std::string& file, const char* what) {
    changes.push_back({KeyChange::Kind::kFile, file, fmt::format("file {} {}", file, what)});
  };
  for (const auto& [name, digest] : after.items()) {
    const auto old = before.find(name);
    if (old == before.end()) {
      add(name, "added");
    } else if (*old != digest) {
      add(name, "changed");
    }
  }
  for (const auto& [name, digest] : before.items()) {
    if (!after.contains(name)) add(name, "removed");
  }
}

// Of a parameter that names files, and these have another content.
void AddParamChanges(const FilePlace& place, const Json& before, const Json& after,
                     const std::vector<std::string>& members, std::vector<KeyChange>& changes) {
  const Json* const old_seen = SeenAt(before, place);
  const Json* const new_seen = SeenAt(after, place);
  const Json* const old_pattern = old_seen == nullptr ? nullptr : &old_seen->at("pattern");
  const Json* const new_pattern = new_seen == nullptr ? nullptr : &new_seen->at("pattern");
  if (old_pattern == nullptr && new_pattern == nullptr) {
    changes.push_back({KeyChange::Kind::kFile, place.name, "files of " + place.name + " changed"});
  } else if (old_pattern == nullptr || new_pattern == nullptr || *old_pattern != *new_pattern) {
    std::string name = MemberOf(place.step, members) + "params." + place.name;
    std::ranges::replace(name, '/', '.');
    std::string text = fmt::format("{} {}", name, ShownChange(old_pattern, new_pattern));
    changes.push_back({KeyChange::Kind::kValue, std::move(name), std::move(text)});
  } else {
    AddFileChanges(old_seen->at("files"), new_seen->at("files"), changes);
  }
}

KeyChange Describe(std::string name, const Json* before, const Json* after,
                   const std::vector<std::string>& members) {
  if (name.starts_with("inputs.")) {
    // The position within a port says nothing to people.
    const std::string port = name.substr(7, name.find('.', 7) - 7);
    return {KeyChange::Kind::kInput, port, fmt::format("input {} changed", port)};
  }
  name = InMember(name, members);
  std::string text = fmt::format("{} {}", name, ShownChange(before, after));
  return {KeyChange::Kind::kValue, std::move(name), std::move(text)};
}

// "/work/1/modes" -> "/work/1".
std::optional<std::string> CommandOfModes(const std::string& pointer) {
  constexpr std::string_view kModes = "/modes";
  if (!pointer.starts_with("/work/") || !pointer.ends_with(kModes)) return std::nullopt;
  std::string command = pointer.substr(0, pointer.size() - kModes.size());
  return command.find('/', 6) == std::string::npos ? std::optional(command) : std::nullopt;
}

// The modes of what a command leaves are kept, or, before some version, were not. Of one that left
// nothing, that says nothing.
std::optional<KeyChange> ModesChange(const std::string& command, const Json& old_flat) {
  const std::string outputs = command + "/outputs/";
  const bool left = std::ranges::any_of(old_flat.items(), [&](const auto& item) {
    return std::string_view(item.key()).starts_with(outputs);
  });
  if (!left) return std::nullopt;
  return KeyChange{KeyChange::Kind::kValue, "modes",
                   "its last result is of another version of dml, which did not keep what can be "
                   "executed"};
}

// An empty list or mapping is null when flattened, which says nothing beside what the other holds.
bool IsEmptyBeside(const Json* value, const std::string& pointer, const Json& other_flat) {
  return value != nullptr && value->is_null() &&
         std::ranges::any_of(other_flat.items(), [below = pointer + "/"](const auto& item) {
           return std::string_view(item.key()).starts_with(below);
         });
}

// Says which inputs came and went. Returns how the pointers of all that is about them begin.
std::vector<std::string> AddPortChanges(const Json& before, const Json& after,
                                        std::vector<KeyChange>& changes) {
  std::vector<std::string> told;
  const auto add = [&](const Json& here, const Json& there, const char* what) {
    const Json none = Json::object();
    const Json ports = here.value("inputs", none);
    const Json others = there.value("inputs", none);
    for (const auto& [port, digests] : ports.items()) {
      if (others.contains(port)) continue;
      changes.push_back(
          {KeyChange::Kind::kValue, "inputs." + port, fmt::format("input {} {}", port, what)});
      const std::string end = (Json::json_pointer() / port).to_string();
      told.push_back("/inputs" + end + "/");
      told.push_back("/work/0/inputs" + end);
    }
  };
  add(before, after, "removed");
  add(after, before, "added");
  return told;
}

Json WithoutSeenFiles(Json fields) {
  fields.erase("seen");
  return fields;
}

}  // namespace

std::string KeyFields(const KeyParts& parts) {
  std::string out = "{";
  if (parts.env != nullptr && !parts.env->empty()) {
    AppendName(out, "env");
    AppendTexts(out, *parts.env);
  }
  AppendName(out, "format");
  out += std::to_string(kKeyFormat);
  if (!parts.inputs.empty()) AppendInputs(out, parts);
  AppendName(out, "work");
  out += '[';
  for (const KeyParts::Part& part : parts.parts) {
    out += out.back() == '[' ? "{" : ",{";
    if (const auto* native = std::get_if<NativeWork>(part.work)) {
      AppendNative(out, *native, part);
    } else {
      AppendCommand(out, std::get<CommandWork>(*part.work), part);
    }
    out += '}';
  }
  return out += "]}";
}

std::string WithSeenFiles(std::string fields, const KeyParts& parts) {
  Json seen = Json::object();
  for (std::size_t i = 0; i < parts.parts.size(); ++i) {
    for (const auto& [param, one] : parts.parts[i].seen) {
      if (one.files.size() > SeenFiles::kMax) continue;
      Json files = Json::object();
      for (const auto& [name, digest] : one.files) files[name] = digest.Short();
      seen[std::to_string(i)][param] = {{"files", std::move(files)}, {"pattern", one.pattern}};
    }
  }
  if (seen.empty()) return fields;
  fields.pop_back();
  return fields += ",\"seen\":" + CanonicalJson(seen) + "}";
}

Digest KeyOf(std::string_view fields) {
  Fingerprint fingerprint;
  fingerprint.Add("dml.key", fields);
  return fingerprint.Finish();
}

bool IsKeyOf(const Digest& key, std::string_view fields) {
  // Names are in order, so nothing but what is seen follows the work.
  const std::size_t seen = fields.rfind(",\"seen\":{");
  return KeyOf(fields) == key ||
         (seen != fields.npos && KeyOf(std::string(fields.substr(0, seen)) + "}") == key);
}

bool IsOfThisFormat(std::string_view fields) {
  const std::string begin = fmt::format("{{\"format\":{}", kKeyFormat);
  // Most have no environment, and need not be parsed.
  if (fields.starts_with(begin + ",")) return true;
  return ParseKeyFields(fields).value("format", Json()) == kKeyFormat;
}

Json ParseKeyFields(std::string_view fields) {
  Json parsed = Json::parse(fields, nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? parsed : Json::object();
}

std::vector<KeyChange> KeyChanges(std::string_view before, std::string_view after,
                                  const std::vector<std::string>& members) {
  const Json old_fields = ParseKeyFields(before);
  const Json new_fields = ParseKeyFields(after);
  const Json old_format = old_fields.value("format", Json());
  if (old_format.is_number() && old_format != kKeyFormat) {
    return {{KeyChange::Kind::kValue, "format",
             fmt::format("its last result is of another version of dml (key format {} -> {})",
                         old_format.dump(), kKeyFormat)}};
  }
  // Step by step, a chain of other steps differs in everything.
  if (const std::size_t steps = CountSteps(old_fields); steps != CountSteps(new_fields)) {
    return {{KeyChange::Kind::kValue, "work",
             fmt::format("the chain has {} steps, it had {}", CountSteps(new_fields), steps)}};
  }
  const Json old_flat = ByName(WithoutSeenFiles(old_fields)).flatten();
  const Json new_flat = ByName(WithoutSeenFiles(new_fields)).flatten();
  std::set<std::string> pointers;
  for (const auto& item : old_flat.items()) pointers.insert(item.key());
  for (const auto& item : new_flat.items()) pointers.insert(item.key());
  std::vector<KeyChange> changes;
  const std::vector<std::string> told = AddPortChanges(old_fields, new_fields, changes);
  for (const std::string& pointer : pointers) {
    const Json* old_value = Find(old_flat, pointer);
    const Json* new_value = Find(new_flat, pointer);
    const bool same = old_value != nullptr && new_value != nullptr && *old_value == *new_value;
    if (same || IsEmptyBeside(old_value, pointer, new_flat) ||
        IsEmptyBeside(new_value, pointer, old_flat)) {
      continue;
    }
    if (std::ranges::any_of(told,
                            [&](const auto& one) { return (pointer + "/").starts_with(one); }))
      continue;
    if (const auto command = CommandOfModes(pointer)) {
      if (auto change = ModesChange(*command, old_flat)) changes.push_back(std::move(*change));
      continue;
    }
    const std::optional<FilePlace> place = FilePlaceOf(pointer);
    if (place && !place->code) {
      AddParamChanges(*place, old_fields, new_fields, members, changes);
      continue;
    }
    KeyChange change = place
                           ? CodeChange(place->name, old_value, new_value)
                           : Describe(AsWritten(pointer, new_flat), old_value, new_value, members);
    const bool said = !changes.empty() && changes.back().text == change.text;
    if (!said) changes.push_back(std::move(change));
  }
  if (changes.empty() && WithoutSeenFiles(old_fields) != WithoutSeenFiles(new_fields)) {
    changes.push_back({KeyChange::Kind::kValue, "work", "the same values come in another order"});
  }
  std::ranges::stable_sort(changes, {}, &KeyChange::kind);
  return changes;
}

}  // namespace dml::core
