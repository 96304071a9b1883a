#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "pipelines/task_decl.h"

namespace dml::core {

// Raised when the meaning of a key, or of what is kept under it, changes: every earlier result is
// then out of date. 2: code counts with its names; artifacts say whether they are folders.
inline constexpr int kKeyFormat = 2;

// The files that a parameter named when it was looked up, for people: names do not count.
struct SeenFiles {
  static constexpr std::size_t kMax = 1000;  // of more, nothing is kept
  std::string pattern;
  std::map<std::string, Digest> files;  // by name
};

// Everything a result depends on. Names of tasks, paths, times, resources and retries are not
// among them. Borrows what it points to.
struct KeyParts {
  struct Part {
    const pipelines::Work* work = nullptr;       // with run-time values filled in
    std::map<std::string, Digest> files = {};    // parameter -> content of what it names
    std::map<std::string, Digest> code = {};     // name beside the pipeline -> content
    std::map<std::string, SeenFiles> seen = {};  // parameter -> what it names
  };
  std::vector<Part> parts;                                  // several if fused
  std::vector<std::pair<std::string, Digest>> inputs;       // port and artifact, in order
  const std::map<std::string, std::string>* env = nullptr;  // null: none
};

// The named fields of a key as canonical JSON: what the key is the hash of, kept beside it so that
// a later run can say which of them changed. A parameter that is in `files` counts by the content
// of its file, not by its path; code by both, since a command calls it by its name.
std::string KeyFields(const KeyParts& parts);

// The same with the files seen, for KeyChanges() to name them: what is kept beside the key.
std::string WithSeenFiles(std::string fields, const KeyParts& parts);

Digest KeyOf(std::string_view fields);

// Whether the key of these fields, as they are kept, is that alone: else it is also of a run and a
// task, and nobody else finds the result.
[[nodiscard]] bool IsKeyOf(const Digest& key, std::string_view fields);

// Whether the fields, as they are kept, are of a key of this format: what is kept under another may
// not be read as if it were.
[[nodiscard]] bool IsOfThisFormat(std::string_view fields);

// Fields to look into; an object, empty if the text is damaged.
Json ParseKeyFields(std::string_view fields);

// A field of a key that differs, for people.
struct KeyChange {
  enum class Kind { kValue, kFile, kInput };
  Kind kind = Kind::kValue;
  std::string name;  // "params.C"; the file, or the parameter that names it; the port
  std::string text;  // "params.C 0.1 -> 0.2", "file a.csv changed", "input train changed"
};

// All differences; first what the user wrote, then files, then inputs, which follow from others.
// `members` are the names of the tasks that run as one, if there are several: what changed in one
// of them bears its name, "clean.params.min".
std::vector<KeyChange> KeyChanges(std::string_view before, std::string_view after,
                                  const std::vector<std::string>& members = {});

}  // namespace dml::core
