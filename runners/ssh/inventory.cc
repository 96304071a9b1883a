#include "runners/ssh/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

#include "base/files.h"
#include "pipelines/params/bind.h"
#include "pipelines/yaml/parse.h"
#include "pipelines/yaml/scalar.h"
#include "runners/ssh/openssh_config.h"

namespace dml::ssh {

namespace {

using std::literals::operator""sv;

using pipelines::Diagnostics;
using pipelines::Node;
using pipelines::Place;

constexpr int kPortMax = 65535;
constexpr int kSlotsMax = 4096;
constexpr std::size_t kEnvInitMax = 64U << 10;

// Takes out keys that must not be there, with the reason, so that they are not just "unknown".
Node WithoutPasswords(const Node& mapping, Diagnostics& diagnostics) {
  static const std::set<std::string> kSecrets{"password", "passwd",           "passphrase",
                                              "ssh_pass", "ansible_password", "ansible_ssh_pass"};
  Node clean = mapping;
  clean.items.clear();
  clean.keys.clear();
  for (std::size_t i = 0; i < mapping.keys.size(); ++i) {
    if (!kSecrets.contains(mapping.keys[i].text)) {
      clean.items.push_back(mapping.items[i]);
      clean.keys.push_back(mapping.keys[i]);
      continue;
    }
    diagnostics.Add(
        mapping.keys[i].place,
        fmt::format("'{}' in an inventory: dml never takes passwords from files",
                    mapping.keys[i].text),
        "make a key with `ssh-keygen -t ed25519`, copy it there once with `ssh-copy-id`, "
        "and name it with identity_file:; a key with a passphrase goes into ssh-agent "
        "with `ssh-add`");
  }
  return clean;
}

// What people write of a host that stands elsewhere in an inventory.
const char* HelpWithAddress(const std::string& text) {
  if (text.find('@') != text.npos) return "the account goes into user:";
  if (text.starts_with('[')) return "an address of IPv6 stands without brackets, a port in port:";
  if (text.find(':') != text.npos) return "the port goes into port:";
  const bool ascii = std::ranges::all_of(text, [](char c) { return c >= 0; });
  return ascii ? "" : "write it in its ASCII form, xn--...";
}

class Reader {
 public:
  Reader(Diagnostics& diagnostics, Cluster& cluster)
      : diagnostics_(diagnostics), cluster_(cluster) {}

  void Read(const Node& root) {
    if (!root.is_mapping()) {
      diagnostics_.Add(root.place, "an inventory is a mapping with the key hosts:",
                       "such as `hosts: [node1, node2]`");
      return;
    }
    const Json top = Bind(ClusterSpecs(), root, "the inventory");
    cluster_.lease.ns = Number(top, "lease", cluster_.lease.ns);
    cluster_.connect_timeout.ns = Number(top, "connect_timeout", cluster_.connect_timeout.ns);
    ssh_config_ = Text(top, "ssh_config");
    if (const Node* defaults = root.Find("defaults"); defaults != nullptr && !defaults->is_null()) {
      defaults_ = BindHost(*defaults, "defaults:");
      RefuseCommonName(*defaults);
    }
    const Node* hosts = root.Find("hosts");
    if (hosts == nullptr || !hosts->is_sequence() || hosts->items.empty()) {
      const Place place = hosts == nullptr ? root.place : hosts->place;
      return diagnostics_.Add(place, "hosts: must be a list with at least one node",
                              "such as `hosts: [node1, node2]`");
    }
    if (hosts->items.size() > kHostsMax) {
      return diagnostics_.Add(hosts->place, fmt::format("more than {} hosts", kHostsMax));
    }
    for (const Node& item : hosts->items) ReadHost(item);
  }

 private:
  Json Bind(const std::vector<ParamSpec>& specs, const Node& node, const std::string& owner) {
    static const StepCatalog none;
    static const pipelines::World nowhere;
    const pipelines::Resolver resolver(nowhere, diagnostics_);
    pipelines::ParamBinder binder(none, resolver, {});
    return binder.BindAll(specs, &node, owner, node.place, Json::json_pointer());
  }

  Json BindHost(const Node& node, const std::string& owner) {
    if (!node.is_mapping()) {
      diagnostics_.Add(node.place, "a mapping is expected, not " + pipelines::DescribeNode(node));
      return Json::object();
    }
    return Bind(HostSpecs(), WithoutPasswords(node, diagnostics_), owner);
  }

  void RefuseCommonName(const Node& defaults) {
    const Node* name = defaults.is_mapping() ? defaults.Find("name") : nullptr;
    if (name == nullptr) return;
    diagnostics_.Add(name->place, "a name is that of one host, and no default of all",
                     "write it in the list hosts:");
  }

  static std::string Text(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  }
  static std::int64_t Number(const Json& json, const char* key, std::int64_t otherwise) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number() ? found->get<std::int64_t>() : otherwise;
  }

  // A path on this machine: "~" and relative ones as in OpenSSH, from the folder of the inventory.
  static std::string LocalPath(const std::string& path, const Place& place) {
    const char* home = std::getenv("HOME");
    if (path.starts_with("~/") && home != nullptr) return home + path.substr(1);
    return path.empty() ? path : pipelines::AbsolutePath(place.source->directory, path);
  }

  void Check(bool fine, const Node& node, const char* key, const std::string& value,
             const char* expected, const char* help = "") {
    if (fine || value.empty()) return;
    const Node* at = node.is_mapping() ? node.Find(key) : nullptr;
    diagnostics_.Add(at == nullptr ? node.place : at->place,
                     fmt::format("'{}' is not {}", value, expected), help);
  }

  void ReadHost(const Node& node) {
    Json json;
    if (node.is_scalar()) {
      json = Json::object({{"host", pipelines::ScalarText(node)}});
    } else {
      json = BindHost(node, "a host");
    }
    if (!json.is_object()) return;
    for (const auto& [key, value] : defaults_.items()) {
      const auto own = json.find(key);
      if (own == json.end() || own->is_null()) json[key] = value;
    }
    Host host;
    host.address = Text(json, "host");
    host.name = Text(json, "name").empty() ? host.address : Text(json, "name");
    if (host.address.empty()) host.address = host.name;
    host.port = static_cast<int>(Number(json, "port", 0));
    host.user = Text(json, "user");
    host.jump = Text(json, "jump");
    host.host_key = Text(json, "host_key");
    host.ssh_config = LocalPath(ssh_config_, node.place);
    if (const std::string key = Text(json, "identity_file"); !key.empty()) {
      host.identity_files.push_back(LocalPath(key, node.place));
    }
    host.cpus = static_cast<double>(Number(json, "cpus", 0));
    host.slots = static_cast<double>(Number(json, "slots", 0));
    host.memory_bytes = Number(json, "memory", 0);
    if (const auto labels = json.find("labels"); labels != json.end() && labels->is_array()) {
      for (const Json& label : *labels) {
        if (label.is_string()) host.labels.push_back(label.get<std::string>());
      }
    }
    if (const auto env = json.find("env"); env != json.end() && env->is_object()) {
      for (const auto& [key, value] : env->items()) {
        if (value.is_string()) host.env.emplace(key, value.get<std::string>());
      }
    }
    host.env_init = Text(json, "env_init");
    host.shared_dir = Text(json, "shared_dir");
    while (host.shared_dir.size() > 1 && host.shared_dir.ends_with('/')) host.shared_dir.pop_back();
    std::string workdir = Text(json, "workdir");
    if (workdir.starts_with("~/")) workdir.erase(0, 2);
    if (!workdir.empty()) host.workdir = workdir;
    Add(std::move(host), node);
  }

  void Add(Host host, const Node& node) {
    if (host.name.empty()) {
      return diagnostics_.Add(node.place, "a host without host: and name:");
    }
    // One that is called as its address is told once what is wrong.
    Check(host.name == host.address || IsPlainHost(host.name), node, "name", host.name,
          "a name of letters, digits and ._-");
    Check(IsHostAddress(host.address), node, "host", host.address, "a host name or an address",
          HelpWithAddress(host.address));
    Check(IsPlainUser(host.user), node, "user", host.user, "a user name");
    Check(IsPlainPath(host.workdir), node, "workdir", host.workdir,
          "a path of letters, digits and _./- without '..'");
    Check(IsJump(host.jump), node, "jump", host.jump, "[user@]host[:port], or several with commas");
    Check(IsPinnedKey(host.host_key), node, "host_key", host.host_key,
          "a key such as SHA256:... or `ssh-ed25519 AAAA...`");
    Check(host.shared_dir.starts_with('/') && IsPlainPath(host.shared_dir), node, "shared_dir",
          host.shared_dir, "an absolute path of letters, digits and _./- without '..'");
    Check(host.env_init.size() <= kEnvInitMax, node, "env_init",
          "a text of " + std::to_string(host.env_init.size()) + " bytes",
          "a script of at most 64 KiB");
    CheckVariables(host.env, node);
    if (!names_.insert(host.name).second) {
      return diagnostics_.Add(node.place, fmt::format("two hosts are called '{}'", host.name),
                              "give one of them another name:, or more slots: to the first");
    }
    cluster_.hosts.push_back(std::move(host));
  }

  void CheckVariables(const std::map<std::string, std::string>& env, const Node& node) {
    for (const auto& [name, value] : env) {
      const bool fine = !name.empty() && name.find_first_of("=\0 "sv) == std::string::npos;
      Check(fine, node, "env", name.empty() ? "''" : name, "the name of an environment variable");
      Check(!name.starts_with("DML_"), node, "env", name,
            "for an inventory to set: what begins with DML_ is said by dml itself");
    }
  }

  Diagnostics& diagnostics_;
  Cluster& cluster_;
  Json defaults_ = Json::object();
  std::string ssh_config_;
  std::set<std::string> names_;
};

bool ReadNumber(std::string_view text, int most, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 1 && out <= most;
}

// One line of a host file.
void ReadLine(const pipelines::Source& source, int line, std::set<std::string>& names,
              Cluster& cluster, Diagnostics& diagnostics) {
  std::string_view text = source.Line(line);
  text = text.substr(0, text.find('#'));
  Host host;
  std::size_t at = 0;
  while (true) {
    at = text.find_first_not_of(" \t\r", at);
    if (at == text.npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const Place place{&source, line, static_cast<int>(at) + 1, static_cast<int>(word.size())};
    at = end;
    int number = 0;
    if (host.name.empty()) {
      const std::size_t colon = word.rfind(':');
      // An address of IPv6 with a port stands in brackets.
      const bool bracketed = word.starts_with('[') && word.find(']') != word.npos;
      const bool has_port =
          colon != word.npos && (bracketed ? word[colon - 1] == ']' : word.find(':') == colon);
      host.address = word.substr(0, has_port ? colon : word.npos);
      if (bracketed && host.address.ends_with(']')) {
        host.address = host.address.substr(1, host.address.size() - 2);
      }
      host.name = bracketed ? host.address + (has_port ? std::string(word.substr(colon)) : "")
                            : std::string(word);
      if (has_port && !ReadNumber(word.substr(colon + 1), kPortMax, host.port)) {
        diagnostics.Add(place, fmt::format("'{}' is not host[:port]", word));
      }
      if (!IsHostAddress(host.address)) {
        diagnostics.Add(place, fmt::format("'{}' is not a host name or an address", host.address),
                        "a line of a host file is: host[:port] [slots=N] [user=NAME]");
      } else if (!names.insert(host.name).second) {
        diagnostics.Add(place, fmt::format("'{}' is listed twice", word), "say slots=N instead");
      }
    } else if (word.starts_with("slots=") && ReadNumber(word.substr(6), kSlotsMax, number)) {
      host.slots = number;
    } else if (word.starts_with("user=") && IsPlainUser(std::string(word.substr(5)))) {
      host.user = word.substr(5);
    } else if (word.starts_with("slots=")) {
      diagnostics.Add(place, fmt::format("'{}': slots= is a number from 1 to {}", word, kSlotsMax),
                      "take the line away to leave a host out");
    } else {
      diagnostics.Add(place, fmt::format("'{}' is neither slots=N nor user=NAME", word),
                      "a line of a host file is: host[:port] [slots=N] [user=NAME]");
    }
  }
  if (!host.name.empty()) cluster.hosts.push_back(std::move(host));
}

}  // namespace

LoadedCluster ParseCluster(const std::string& path, const std::string& text) {
  LoadedCluster out;
  out.cluster.file = path;
  Diagnostics diagnostics;
  std::error_code ignored;
  const std::string folder =
      std::filesystem::absolute(path, ignored).lexically_normal().parent_path().string();
  const auto source = pipelines::MakeSource(path, folder, text, 0);
  const bool yaml = path.ends_with(".yaml") || path.ends_with(".yml") || path.ends_with(".json");
  if (yaml) {
    const auto document = pipelines::ParseYaml(source, diagnostics);
    if (document && document->root.is_null()) {
      diagnostics.Add({source.get(), 1, 1}, "the inventory is empty",
                      "`dml cluster add HOST` writes one; or begin with `hosts: [node1, node2]`");
    } else if (document) {
      Reader(diagnostics, out.cluster).Read(document->root);
    }
  } else {
    std::set<std::string> names;
    const auto lines = static_cast<int>(source->line_starts.size());
    for (int line = 1; line <= lines && out.cluster.hosts.size() <= kHostsMax; ++line) {
      ReadLine(*source, line, names, out.cluster, diagnostics);
    }
    if (out.cluster.hosts.size() > kHostsMax) {
      diagnostics.Add({source.get(), 1, 1}, fmt::format("more than {} hosts", kHostsMax));
    }
    if (out.cluster.hosts.empty() && diagnostics.empty()) {
      diagnostics.Add({source.get(), 1, 1}, "a host file without hosts",
                      "a line of it is: host[:port] [slots=N] [user=NAME]");
    }
  }
  out.diagnostics = diagnostics.TakeSorted();
  return out;
}

Result<LoadedCluster> LoadCluster(const std::string& path) {
  DML_TRY(const std::string text, ReadFile(path));
  return ResolveCluster(ParseCluster(path, text));
}

Result<LoadedCluster> ResolveCluster(LoadedCluster loaded) {
  if (!loaded.ok()) return loaded;
  for (Host& host : loaded.cluster.hosts) {
    host.lease = loaded.cluster.lease;
    if (auto resolved = Resolve(host); !resolved.ok()) {
      return std::move(resolved).error().Within("the host '" + host.name + "'");
    }
  }
  return loaded;
}

}  // namespace dml::ssh
