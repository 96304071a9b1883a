#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What in the folder of a node is dml's own: told by a marker in it and by the forms of names,
// never by where a file is. Whatever else is there belongs to somebody, and is neither read nor
// removed.
namespace dml::node {

// Lies in every folder that dml works in. Its one line, "made N", says how many folders were made
// for it: itself, and N - 1 above; 0: it was there, and empty.
inline constexpr char kMarker[] = "dml-node.tag";

// Whether dml has worked in that folder: it has the marker, or a worker program in bin/, as
// versions before the marker left it.
[[nodiscard]] bool IsOwn(const std::string& root);

// Makes `root` a folder of dml's, with the marker, if it is not there, is empty, or IsOwn().
// kEnvironment, and nothing is changed, if it is anybody else's, the home folder, or the root.
Result<void> Claim(const std::string& root);

// Why Claim() would fail, without making anything; nothing if it would not.
[[nodiscard]] std::optional<Error> WhyNotClaim(const std::string& root);

// "<head>.<run>.<task>.<attempt>": what attempts and their logs are called, with more behind.
[[nodiscard]] bool IsAttemptName(std::string_view name);

// Removes every blob of a cache, and the remains of transfers.
Result<void> RemoveBlobs(const std::string& folder);

// Removes everything that dml puts into such a folder, then the folder and those above that were
// made for it, as far as they are empty. Returns the names of what is not dml's, which stays.
Result<std::vector<std::string>> RemoveOwn(const std::string& root);

}  // namespace dml::node
