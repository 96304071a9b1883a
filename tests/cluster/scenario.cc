#include "tests/cluster/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/files.h"

namespace dml::cluster {

namespace fs = std::filesystem;

namespace {

// {0}: where tasks leave their marks. What travels is two megabytes that nothing makes smaller.
constexpr const char* kPipeline = R"(name: scenario
defaults: {{retry: {{limit: 0}}}}
steps:
  - id: lines
    run: "seq 1 430000 | awk '{{x = (x * 69069 + 1) % 4294967296; print x}}' |
      gzip -n > o.txt; echo made"
    outputs: {{o: o.txt}}
  - id: work
    foreach: [1, 2, 3, 4, 5, 6]
    input: {{lines: lines}}
    inputs: {{lines: in.dat}}
    run: "echo begins ${{item}}; echo ${{item}} >> {0}/begun-$DML_NODE;
      while ! test -e {0}/gate; do sleep 0.02; done;
      cksum < in.dat; (echo ${{item}}; cat in.dat) > o.txt; echo ends ${{item}}"
    outputs: {{o: o.txt}}
  - id: last
    needs: work
    run: "echo all"
)";

}  // namespace

Scenario::Scenario(const std::vector<ssh::ServerOptions>& servers) : servers_(servers) {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const ssh::Server& server = servers_.server(i);
    proxies_.push_back(std::make_unique<ssh::FaultProxy>(server.address(), server.port()));
  }
  WriteInventory();
  WritePipeline();
  RunAlone();
  const e2e::Finished setup = Dml({"cluster", "setup", "--accept-new-host-keys"});
  EXPECT_EQ(setup.code, 0) << setup.out << setup.err;
}

void Scenario::WriteInventory() const {
  std::string text = fmt::format(
      "connect_timeout: 20s\nssh_config: {}\ndefaults:\n  user: {}\n  identity_file: {}\n"
      "  slots: 2\nhosts:\n",
      servers_.Path("ssh_config"), servers_.HostOf(0).user, servers_.Path("key"));
  for (std::size_t i = 0; i < proxies_.size(); ++i) {
    text +=
        fmt::format("  - {{name: n{}, host: 127.0.0.1, port: {}}}\n", i + 1, proxies_[i]->port());
  }
  Write("cluster.yaml", text);
}

void Scenario::WritePipeline() const {
  Write("p.yaml", fmt::format(kPipeline, servers_.Path("marks")));
}

// What everything is compared with.
void Scenario::RunAlone() {
  fs::create_directory(servers_.Path("marks"));
  OpenGate();
  const e2e::Finished run = Dml({"run", "p.yaml", "--home", Path("alone")});
  EXPECT_EQ(run.code, 0) << run.err;
  fs::remove_all(servers_.Path("marks"));
  fs::create_directory(servers_.Path("marks"));
}

e2e::Program Scenario::StartDml(const std::vector<std::string>& args,
                                std::vector<std::string> env) const {
  env.insert(env.end(), {"DML_WORKER=" DML_BINARY_DIR "/dml-worker",
                         "DML_KNOWN_HOSTS=" + servers_.Path("known_hosts"),
                         "DML_CLUSTER=" + Path("cluster.yaml")});
  return Start(args, {std::move(env)});
}

e2e::Finished Scenario::Dml(const std::vector<std::string>& args) const {
  return StartDml(args).Wait();
}

e2e::Program Scenario::StartRun(const std::string& home, std::vector<std::string> env) const {
  return StartDml({"run", "p.yaml", "--cluster", Path("cluster.yaml"), "--home", Path(home)},
                  std::move(env));
}

void Scenario::OpenGate() const { std::ofstream(servers_.Path("marks/gate")).put('\n'); }

std::multiset<std::string> Scenario::BegunOn(std::size_t server) const {
  std::multiset<std::string> begun;
  std::ifstream file(servers_.Path(fmt::format("marks/begun-n{}", server + 1)));
  for (std::string task; file >> task;) begun.insert(task);
  return begun;
}

std::multiset<std::string> Scenario::Begun() const {
  std::multiset<std::string> all;
  for (std::size_t i = 0; i < servers_.size(); ++i) all.merge(BegunOn(i));
  return all;
}

void Scenario::AwaitBegun(std::size_t count) const {
  WaitUntil([&] { return Begun().size() >= count; }, "enough tasks begin");
}

std::size_t Scenario::Commands(std::size_t server) {
  const auto all = servers_.server(server).Processes();
  return static_cast<std::size_t>(std::ranges::count_if(all, [](pid_t pid) {
    const auto line = ReadFile(fmt::format("/proc/{}/cmdline", pid));
    return line.ok() && line->find("begun-$DML_NODE") != std::string::npos;
  }));
}

void Scenario::AwaitSaid(const e2e::Program& program, const std::string& text) {
  WaitUntil([&] { return program.ErrorSoFar().find(text) != std::string::npos; }, text.c_str());
}

void Scenario::ExpectDone(e2e::Program& program) {
  const e2e::Finished done = program.Wait();
  EXPECT_EQ(done.code, 0) << done.out << done.err;
}

void Scenario::ExpectGoodHistory(const std::string& home) {
  EXPECT_EQ(CheckHistory(Path(home), Path("alone"), servers_), std::vector<std::string>());
}

void Scenario::ExpectNothingIsLeftAfterDown() {
  const e2e::Finished down = Dml({"cluster", "down"});
  EXPECT_EQ(down.code, 0) << down.out << down.err;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const ssh::Server& server = servers_.server(i);
    EXPECT_FALSE(fs::exists(server.FromHere(server.root()))) << server.name();
    WaitUntil([&] { return server.Processes().empty(); }, "every process there ends");
  }
}

}  // namespace dml::cluster
