#include "runners/ssh/inventory_edit.h"

#include <gtest/gtest.h>

#include "runners/ssh/inventory.h"

namespace dml::ssh {
namespace {

std::string Added(const std::string& path, const std::string& text,
                  const std::vector<std::string>& words) {
  std::vector<TypedHost> hosts;
  for (const std::string& word : words) {
    auto host = ParseTypedHost(word);
    if (!host.ok()) return host.error().message;
    hosts.push_back(*host);
  }
  const auto out = AddHosts(path, text, hosts);
  return out.ok() ? *out : "refused: " + out.error().hint;
}

TEST(InventoryEdit, NothingBecomesAnInventory) {
  EXPECT_EQ(Added("c.yaml", "", {"n1", "ml@10.0.0.2:2222"}),
            "hosts:\n  - n1\n  - {host: \"10.0.0.2\", port: 2222, user: ml}\n");
  EXPECT_EQ(Added("hosts", "", {"n1", "ml@n2:2222"}), "n1\nn2:2222 user=ml\n");
  EXPECT_EQ(Added("c.json", "", {"n1"}), "{\"hosts\": [\"n1\"]}\n");
}

TEST(InventoryEdit, BlocksKeepTheirCommentsAndIndent) {
  EXPECT_EQ(Added("c.yaml",
                  "# ours\nhosts:   # all\n    - n1  # old\n    - host: big\n      # much\n      "
                  "slots: 8\n\n# end\nlease: 5m\n",
                  {"n3"}),
            "# ours\nhosts:   # all\n    - n1  # old\n    - host: big\n      # much\n      "
            "slots: 8\n    - n3\n\n# end\nlease: 5m\n");
  EXPECT_EQ(Added("c.yaml", "hosts:\n- n1", {"n2"}), "hosts:\n- n1\n- n2");
  EXPECT_EQ(Added("c.yaml", "hosts:\n  - {host: a,\n     slots: 2}\nlease: 1m\n", {"b"}),
            "hosts:\n  - {host: a,\n     slots: 2}\n  - b\nlease: 1m\n");
}

TEST(InventoryEdit, ListsInBracketsStayInThem) {
  EXPECT_EQ(Added("c.yaml", "hosts: [n1, n2]  # two\n", {"n3", "n4"}),
            "hosts: [n1, n2, n3, n4]  # two\n");
  EXPECT_EQ(
      Added("c.yaml", "hosts: [\n  n1,  # [first]\n  {host: n2, labels: [gpu]},\n]\n", {"n3"}),
      "hosts: [\n  n1,  # [first]\n  {host: n2, labels: [gpu]}, n3\n]\n");
  EXPECT_EQ(Added("c.json", R"({"hosts": ["n1"], "lease": "5m"})", {"u@n2"}),
            R"({"hosts": ["n1", {"host": "n2", "user": "u"}], "lease": "5m"})");
}

TEST(InventoryEdit, WordsThatMeanSomethingElseAreQuoted) {
  EXPECT_EQ(Added("c.yaml", "hosts: [n1]\n", {"no"}), "hosts: [n1, \"no\"]\n");
  EXPECT_EQ(Added("c.yaml", "hosts: [n1]\n", {"fe80::1"}), "hosts: [n1, \"fe80::1\"]\n");
}

TEST(InventoryEdit, WhatItDoesNotUnderstandItLeavesAlone) {
  EXPECT_EQ(Added("c.yaml", "defaults: {user: ml}\n", {"n1"}),
            "refused: write into the list hosts: by hand: n1");
  EXPECT_EQ(Added("c.yaml", "hosts: [n1]\n", {"-oProxyCommand=x"}),
            "'-oProxyCommand=x' is not [user@]host[:port]");
  EXPECT_EQ(Added("c.yaml", "hosts: [n1]\n", {"n2:0"}), "'n2:0' is not [user@]host[:port]");
}

}  // namespace
}  // namespace dml::ssh
