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

// Raised when the meaning of a key changes: every earlier result is then out of date.
inline constexpr int kKeyFormat = 1;

// Everything a result depends on. Names of tasks, paths, times, resources and retries are not
// among them. Borrows what it points to.
struct KeyParts {
  struct Part {
    const pipelines::Work* work = nullptr;  // with run-time values filled in
    std::map<std::string, Digest> files;    // parameter or code file -> content
  };
  std::vector<Part> parts;                                  // several if fused
  std::vector<std::pair<std::string, Digest>> inputs;       // port and artifact, in order
  const std::map<std::string, std::string>* env = nullptr;  // null: none
};

// The named fields of a key as canonical JSON: what the key is the hash of, kept beside it so that
// a later run can say which of them changed. A parameter that is in `files` counts by the content
// of its file, not by its path.
std::string KeyFields(const KeyParts& parts);

Digest KeyOf(std::string_view fields);

// Fields to look into; an object, empty if the text is damaged.
Json ParseKeyFields(std::string_view fields);

// A field of a key that differs, for people.
struct KeyChange {
  enum class Kind { kValue, kFile, kInput };
  Kind kind = Kind::kValue;
  std::string name;  // "params.C"; the parameter that names the file; the port
  std::string text;  // "params.C 0.1 -> 0.2", "file of path changed", "input train changed"
};

// All differences; first what the user wrote, then files, then inputs, which follow from others.
// `members` are the names of the tasks that run as one, if there are several: what changed in one
// of them bears its name, "clean.params.min".
std::vector<KeyChange> KeyChanges(std::string_view before, std::string_view after,
                                  const std::vector<std::string>& members = {});

}  // namespace dml::core
