// An inventory as YAML and as a host file.

#include <cstddef>
#include <cstdint>
#include <string>

#include "runners/ssh/inventory.h"
#include "runners/ssh/inventory_edit.h"
#include "runners/ssh/openssh_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto yaml = dml::ssh::ParseCluster("cluster.yaml", text);
  for (const auto& host : yaml.cluster.hosts) {
    if (yaml.ok() && !dml::ssh::IsPlainHost(host.name)) __builtin_trap();
  }
  static_cast<void>(dml::ssh::ParseCluster("hosts", text));
  const auto typed = dml::ssh::ParseTypedHost(text.substr(0, 64));
  for (const char* path : {"cluster.yaml", "cluster.json", "hosts"}) {
    if (typed.ok()) static_cast<void>(dml::ssh::AddHosts(path, text, {*typed}));
    static_cast<void>(dml::ssh::AddHosts(path, text, {{"node", "user", 2222}}));
  }
  dml::ssh::Host host;
  dml::ssh::ApplyOpenSshConfig(text, host);
  return 0;
}
