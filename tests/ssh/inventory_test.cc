#include "runners/ssh/inventory.h"

#include <gtest/gtest.h>

#include "runners/ssh/openssh_config.h"

namespace dml::ssh {
namespace {

std::string Faults(const std::string& path, const std::string& text) {
  const LoadedCluster loaded = ParseCluster(path, text);
  std::string out;
  for (const auto& one : loaded.diagnostics) {
    out += std::to_string(one.where.line) + ":" + std::to_string(one.where.column) + ": " +
           one.message + "\n";
  }
  return out;
}

TEST(Inventory, DefaultsGiveWayToTheHostsOwn) {
  const LoadedCluster loaded = ParseCluster("cluster.yaml", R"(
lease: 5m
defaults: {user: ml, port: 2222, slots: 4, env: {A: "1"}, labels: [fast]}
hosts:
  - alias
  - {name: big, host: 10.0.0.2, port: 22, memory: 8Gi, labels: [gpu], workdir: ~/scratch/dml}
)");
  ASSERT_TRUE(loaded.ok()) << pipelines::RenderText(loaded.diagnostics);
  EXPECT_EQ(loaded.cluster.lease, Duration::Seconds(300));
  ASSERT_EQ(loaded.cluster.hosts.size(), 2U);
  const Host& first = loaded.cluster.hosts[0];
  EXPECT_EQ(first.name, "alias");
  EXPECT_EQ(first.port, 2222);
  EXPECT_EQ(first.user, "ml");
  EXPECT_EQ(first.slots, 4);
  EXPECT_EQ(first.env.at("A"), "1");
  const Host& second = loaded.cluster.hosts[1];
  EXPECT_EQ(second.address, "10.0.0.2");
  EXPECT_EQ(second.port, 22);
  EXPECT_EQ(second.memory_bytes, std::int64_t{8} << 30);
  EXPECT_EQ(second.labels, std::vector<std::string>{"gpu"});
  EXPECT_EQ(second.workdir, "scratch/dml");
}

TEST(Inventory, EveryKeyCounts) {
  const LoadedCluster loaded = ParseCluster("c.yaml", R"(hosts:
  - name: n
    host: 10.0.0.2
    user: ml
    port: 2222
    identity_file: /k
    jump: gate,ml@inner:22
    cpus: 8
    slots: 2
    memory: 4Gi
    labels: [gpu]
    env: {A: b}
    env_init: source /opt/venv/bin/activate
    workdir: /scratch/dml
    host_key: SHA256:AAAA
    shared_dir: /srv/nfs/
)");
  ASSERT_TRUE(loaded.ok()) << pipelines::RenderText(loaded.diagnostics);
  const Host& host = loaded.cluster.hosts.at(0);
  EXPECT_EQ(host.identity_files, std::vector<std::string>{"/k"});
  EXPECT_EQ(host.jump, "gate,ml@inner:22");
  EXPECT_EQ(host.cpus, 8);
  EXPECT_EQ(host.slots, 2);
  EXPECT_EQ(CoresOf(host), 8);
  EXPECT_EQ(host.env_init, "source /opt/venv/bin/activate");
  EXPECT_EQ(host.workdir, "/scratch/dml");
  EXPECT_EQ(host.host_key, "SHA256:AAAA");
  EXPECT_EQ(host.shared_dir, "/srv/nfs");
  const std::string faults = Faults("c.yaml", R"(hosts:
  - {host: a, jump: "gate;x"}
  - {host: b, host_key: whatever}
  - {host: c, shared_dir: nfs}
  - {host: d, env: {"A=B": c}}
)");
  EXPECT_NE(faults.find("2:21: 'gate;x' is not [user@]host[:port]"), std::string::npos) << faults;
  EXPECT_NE(faults.find("3:25: 'whatever' is not a key"), std::string::npos) << faults;
  EXPECT_NE(faults.find("4:27: 'nfs' is not an absolute path"), std::string::npos) << faults;
  EXPECT_NE(faults.find("'A=B' is not the name of"), std::string::npos) << faults;
}

TEST(Inventory, PasswordsAreRefusedWithTheReason) {
  const std::string faults = Faults("c.yaml", "hosts:\n  - {host: a, password: secret}\n");
  EXPECT_EQ(faults, "2:15: 'password' in an inventory: dml never takes passwords from files\n");
  const LoadedCluster loaded = ParseCluster("c.yaml", "defaults: {password: x}\nhosts: [a]\n");
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_NE(loaded.diagnostics[0].hint.find("ssh-keygen"), std::string::npos);
  EXPECT_NE(loaded.diagnostics[0].hint.find("ssh-agent"), std::string::npos);
}

TEST(Inventory, EverythingWrongIsReportedAtItsPlace) {
  const std::string faults = Faults("c.yaml", R"(hosts:
  - {host: a, slot: 2}
  - {host: "b; rm -rf /"}
  - a
  - {host: c, port: 70000}
  - {host: d, workdir: ../x}
)");
  EXPECT_NE(faults.find("2:15: "), std::string::npos) << faults;
  EXPECT_NE(faults.find("3:12: 'b; rm -rf /' is not a"), std::string::npos) << faults;
  EXPECT_NE(faults.find("4:5: two hosts are called 'a'"), std::string::npos) << faults;
  EXPECT_NE(faults.find("5:21: 'port' is out of range"), std::string::npos) << faults;
  EXPECT_NE(faults.find("6:24: '../x' is not a path"), std::string::npos) << faults;
  EXPECT_NE(Faults("c.yaml", "hosts: []\n").find("at least one node"), std::string::npos);
  EXPECT_NE(Faults("c.yaml", "[a, b]\n").find("hosts:"), std::string::npos);
}

TEST(Inventory, AHostFileHasALinePerNode) {
  const LoadedCluster loaded =
      ParseCluster("hosts", "# ours\nn1 slots=4\nn2:2222 user=ml  # x\n\n");
  ASSERT_TRUE(loaded.ok());
  ASSERT_EQ(loaded.cluster.hosts.size(), 2U);
  EXPECT_EQ(loaded.cluster.hosts[0].slots, 4);
  EXPECT_EQ(loaded.cluster.hosts[1].address, "n2");
  EXPECT_EQ(loaded.cluster.hosts[1].port, 2222);
  EXPECT_EQ(loaded.cluster.hosts[1].user, "ml");
  EXPECT_EQ(Faults("hosts", "n1 slot=4\n"), "1:4: 'slot=4' is neither slots=N nor user=NAME\n");
  EXPECT_EQ(Faults("hosts", "n1\nn1\n"), "2:1: 'n1' is listed twice\n");
  EXPECT_NE(Faults("hosts", "n1:99999\n").find("is not host[:port]"), std::string::npos);
}

TEST(Inventory, AnAddressOfIpv6HasItsPortBehindBrackets) {
  const LoadedCluster loaded = ParseCluster("hosts", "[::1]:2222\n[fe80::1]\n::2\n");
  ASSERT_TRUE(loaded.ok()) << pipelines::RenderText(loaded.diagnostics);
  ASSERT_EQ(loaded.cluster.hosts.size(), 3U);
  EXPECT_EQ(loaded.cluster.hosts[0].address, "::1");
  EXPECT_EQ(loaded.cluster.hosts[0].port, 2222);
  EXPECT_EQ(loaded.cluster.hosts[0].name, "::1:2222");
  EXPECT_EQ(loaded.cluster.hosts[1].address, "fe80::1");
  EXPECT_EQ(loaded.cluster.hosts[1].port, 0);
  EXPECT_EQ(loaded.cluster.hosts[2].address, "::2");
  EXPECT_EQ(Faults("hosts", "n1 slots=0\n"), "1:4: 'slots=0': slots= is a number from 1 to 4096\n");
}

TEST(Inventory, AnEmptyOneIsNamedWithItsPlace) {
  for (const char* text : {"", "\n\n", "# nothing yet\n"}) {
    EXPECT_EQ(Faults("c.yaml", text), "1:1: the inventory is empty\n") << text;
    EXPECT_EQ(ParseCluster("c.yaml", text).diagnostics.at(0).where.file, "c.yaml");
    EXPECT_EQ(Faults("hosts", text), "1:1: a host file without hosts\n") << text;
  }
}

TEST(Inventory, WhatDmlSaysItselfIsNotForInventoriesToSay) {
  EXPECT_EQ(Faults("c.yaml", "hosts:\n  - {host: a, env: {DML_HOME: /x}}\n"),
            "2:20: 'DML_HOME' is not for an inventory to set: what begins with DML_ is said by "
            "dml itself\n");
}

TEST(Inventory, AProxyCommandIsTakenWhereThereIsNoJump) {
  Host host;
  host.name = "gpu";
  ApplyOpenSshConfig("hostname 10.1.2.3\nproxycommand nc %h %p\n", host);
  EXPECT_EQ(host.proxy_command, "nc %h %p");
  Host jumps;
  jumps.jump = "gate";
  ApplyOpenSshConfig("hostname 10.1.2.3\nproxycommand nc %h %p\n", jumps);
  EXPECT_EQ(jumps.proxy_command, "");
}

TEST(Inventory, OpenSshFillsInWhatIsNotSaid) {
  Host host;
  host.name = "gpu";
  host.port = 2200;
  ApplyOpenSshConfig(
      "user ml\nhostname 10.1.2.3\nport 22\nidentityfile /k/one\nidentityfile /k/two\n"
      "proxyjump gate\nuserknownhostsfile /a /b\n",
      host);
  EXPECT_EQ(host.address, "10.1.2.3");
  EXPECT_EQ(host.port, 2200);
  EXPECT_EQ(host.user, "ml");
  EXPECT_EQ(host.jump, "gate");
  EXPECT_EQ(host.identity_files, (std::vector<std::string>{"/k/one", "/k/two"}));
  EXPECT_EQ(host.known_hosts, (std::vector<std::string>{"/a", "/b"}));
}

TEST(Inventory, TheSchemaKnowsEveryKey) {
  const Json schema = ClusterSchema();
  for (const ParamSpec& spec : HostSpecs()) {
    EXPECT_TRUE(schema["properties"]["defaults"]["properties"].contains(spec.name)) << spec.name;
  }
  EXPECT_FALSE(schema["properties"]["defaults"]["properties"].contains("password"));
}

// Said once, and where it belongs instead.
TEST(Inventory, WhatIsNoAddressIsToldWhereItBelongs) {
  const auto hint = [](const std::string& path, const std::string& text) {
    const LoadedCluster loaded = ParseCluster(path, text);
    if (loaded.diagnostics.size() != 1) return pipelines::RenderText(loaded.diagnostics);
    return loaded.diagnostics[0].hint;
  };
  EXPECT_EQ(Faults("c.yaml", "hosts: [\"ml@n1\"]"),
            "1:9: 'ml@n1' is not a host name or an address\n");
  EXPECT_EQ(hint("c.yaml", "hosts: [\"ml@n1\"]"), "the account goes into user:");
  EXPECT_EQ(hint("c.yaml", "hosts: [\"n1:22\"]"), "the port goes into port:");
  EXPECT_EQ(hint("c.yaml", "hosts: [{host: \"[::1]\"}]"),
            "an address of IPv6 stands without brackets, a port in port:");
  EXPECT_EQ(hint("c.yaml", "hosts: [{host: b\xC3\xBC}]"), "write it in its ASCII form, xn--...");
  EXPECT_TRUE(ParseCluster("c.yaml", "hosts: [\"::1\", \"fe80::1%eth0\"]").ok());
  EXPECT_EQ(Faults("hosts", "a:22:33\n"), "1:1: 'a:22:33' is not a host name or an address\n");
  EXPECT_EQ(Faults("c.yaml", "defaults: {name: x}\nhosts: [a]"),
            "1:18: a name is that of one host, and no default of all\n");
}

TEST(Inventory, EveryLineOfAHostFileCounts) {
  std::string text;
  for (std::size_t i = 0; i < kHostsMax; ++i) text += "# a comment\n";
  const LoadedCluster commented = ParseCluster("hosts", text + "n1\n");
  ASSERT_TRUE(commented.ok());
  EXPECT_EQ(commented.cluster.hosts.size(), 1U);
  text.clear();
  for (std::size_t i = 0; i <= kHostsMax; ++i) text += "n" + std::to_string(i) + "\n";
  EXPECT_EQ(Faults("hosts", text), "1:1: more than 4096 hosts\n");
}

// OpenSSH writes an address that is jumped through in brackets, whoever wrote it without.
TEST(Jump, MayBeAnAddress) {
  const auto parsed = [](const char* text) -> std::string {
    const auto hop = ParseHop(text);
    return hop ? hop->user + "@" + hop->address + "@" + std::to_string(hop->port) : "none";
  };
  EXPECT_EQ(parsed("gate"), "@gate@0");
  EXPECT_EQ(parsed("ml@gate:22"), "ml@gate@22");
  EXPECT_EQ(parsed("[10.0.0.1]"), "@10.0.0.1@0");
  EXPECT_EQ(parsed("ml@[10.0.0.1]:2222"), "ml@10.0.0.1@2222");
  EXPECT_EQ(parsed("[fe80::1%eth0]:22"), "@fe80::1%eth0@22");
  EXPECT_EQ(parsed("::1"), "@::1@0") << "without a port";
  for (const char* bad : {"", "@a", "a:", "a:0", "a:70000", "a:b", "[::1", "[]:1", "[a]b", "-a",
                          "a b", "a:1:2", "u;v@a"}) {
    EXPECT_EQ(parsed(bad), "none") << bad;
  }
  EXPECT_TRUE(IsJump("ml@[10.0.0.1]:2222,[::1]"));
  EXPECT_FALSE(IsJump("gate,"));
  Host host;
  host.address = "::1";
  host.port = 22;
  EXPECT_EQ(Describe(host), "[::1]:22");
}

}  // namespace
}  // namespace dml::ssh
