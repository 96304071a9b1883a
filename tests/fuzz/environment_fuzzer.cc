// What env_init leaves on a node: any bytes where the environment is expected, and any environment
// in the form in which it is printed. What is read is what was changed, and nothing else.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runners/node/login_script.h"

namespace {

namespace node = dml::node;
using node::Variables;

void Require(bool right) {
  if (!right) std::abort();
}

// Names and values by turns, each behind its length.
Variables Made(std::string_view bytes) {
  Variables made;
  const auto take = [&bytes] {
    const std::size_t wanted = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.front()) % 16;
    bytes.remove_prefix(std::min<std::size_t>(1, bytes.size()));
    std::string text(bytes.substr(0, wanted));
    bytes.remove_prefix(text.size());
    std::erase(text, '\0');
    return text;
  };
  while (!bytes.empty()) {
    std::string name = take();
    std::erase(name, '=');
    std::string value = take();
    if (!name.empty()) made[name] = std::move(value);
  }
  return made;
}

std::string Printed(const Variables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) text += name + "=" + value + '\0';
  return text;
}

// Any bytes: names are names, values are of one piece.
void CheckBytes(std::string_view text) {
  for (const auto& [name, value] : node::ChangedFrom({}, text)) {
    Require(!name.empty() && name.find_first_of(std::string_view("=\0", 2)) == std::string::npos);
    Require(value.find('\0') == std::string::npos);
    Require(text.find(name + "=" + value) != text.npos);
  }
}

void CheckChanges(const Variables& before, const Variables& after) {
  const Variables changed = node::ChangedFrom(before, Printed(after));
  for (const auto& [name, value] : changed) {
    const auto now = after.find(name);
    const auto old = before.find(name);
    Require(now != after.end() && now->second == value);
    Require(old == before.end() || old->second != value);
  }
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    const bool same = old != before.end() && old->second == value;
    const bool shells = name == "_" || name == "SHLVL" || name == "PWD" || name == "OLDPWD" ||
                        name.starts_with("DML_LOGIN_");
    Require(changed.contains(name) == (!same && !shells));
  }
  Require(node::ChangedFrom(after, Printed(after)).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckBytes(text);
  CheckChanges(Made(text.substr(0, size / 2)), Made(text.substr(size / 2)));
  return 0;
}
