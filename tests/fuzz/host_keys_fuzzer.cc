// Files of known hosts and keys that were pinned, against the key that a server shows: a key that
// is revoked anywhere is revoked, whatever else is in the file, and what is pinned is one key.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runners/ssh/host.h"
#include "runners/ssh/host_keys.h"

namespace {

namespace ssh = dml::ssh;

void Require(bool right) {
  if (!right) std::abort();
}

ssh::HostKey KeyOf(const std::string& base64) {
  ssh::HostKey key;
  key.type = "ssh-ed25519";
  key.base64 = base64;
  key.fingerprint = "SHA256:" + base64;
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ssh::HostKey shown = KeyOf("AAAAC3NzaC1lZDI1NTE5AAAAIKey");
  const ssh::HostKey other = KeyOf("AAAAC3NzaC1lZDI1NTE5AAAAIOther");
  const bool revoked = ssh::IsRevoked(text, shown);
  Require(!revoked || text.find("@revoked") != std::string::npos);
  const std::string line = "@revoked * " + shown.type + " " + shown.base64;
  Require(ssh::IsRevoked(text + "\n" + line, shown) && ssh::IsRevoked(line + "\n" + text, shown));
  Require(ssh::IsRevoked(text + "\n" + line, other) == ssh::IsRevoked(text, other));

  const bool matches = ssh::Matches(text, shown);
  Require(!(matches && ssh::Matches(text, other)));
  Require(!matches || text.find(shown.base64) != std::string::npos);
  static_cast<void>(ssh::IsPinnedKey(text));
  Require(ssh::Matches(shown.type + " " + shown.base64 + " " + text, shown));
  Require(!ssh::Matches(other.type + " " + other.base64 + " " + text, shown));
  return 0;
}
