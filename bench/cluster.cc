// What an SSH node costs, on real servers of this machine: trivial tasks a second, those of a whole
// `dml run`, the round trip of one, bytes a second in both directions beside what libssh alone
// does, the same through a line with a delay, and how long `dml cluster` takes for three and for
// ten nodes.
//   bench_cluster [tasks] [mebibytes]

#include <fmt/format.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>

#include "base/check.h"
#include "base/files.h"
#include "base/hash.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/ssh_runner.h"
#include "runners/ssh/subprocess.h"
#include "tests/ssh/fault_proxy.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

constexpr std::size_t kRoundTrips = 300;
constexpr std::size_t kReadBytes = 1U << 20;
// There and back again: 50 ms.
constexpr Duration kDelay = Duration::Millis(25);
constexpr std::size_t kManyNodes = 10;

void Print(const std::string& what, double value, const char* unit) {
  std::cout << fmt::format("{:<44}{:>10.2f} {}\n", what, value, unit) << std::flush;
}

// A file that nothing can compress.
void WriteNoise(const std::string& path, std::size_t mebibytes) {
  std::ofstream file(path, std::ios::binary);
  std::mt19937_64 noise(std::hash<std::string>{}(path));
  std::vector<std::uint64_t> block((1U << 20) / sizeof(std::uint64_t));
  for (std::size_t i = 0; i < mebibytes; ++i) {
    std::ranges::generate(block, std::ref(noise));
    file.write(reinterpret_cast<const char*>(block.data()), 1 << 20);
  }
}

class CountingSink final : public runners::EventSink {
 public:
  void Post(runners::RunnerEvent event) override {
    const std::lock_guard lock(mutex_);
    if (const auto* exited = std::get_if<runners::AttemptExited>(&event)) {
      ++ends_;
      good_ += std::holds_alternative<runners::ExitSuccess>(exited->reason) ? 1U : 0U;
    }
    ends_ += std::holds_alternative<runners::AttemptLost>(event) ? 1U : 0U;
    changed_.notify_all();
  }
  void Await(std::size_t ends) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ends_ >= ends; });
    DML_CHECK(good_ == ends_, "every attempt succeeds");
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ends_ = 0;
  std::size_t good_ = 0;
};

class Bench {
 public:
  explicit Bench(Duration delay)
      : servers_(std::vector<ServerOptions>(1)),
        proxy_(servers_.server(0).address(), servers_.server(0).port(),
               FaultProxy::kAsMuchAsItLikes),
        delayed_(delay.ns > 0) {
    proxy_.SetDelay(delay);
    ::setenv("DML_WORKER", DML_BINARY_DIR "/dml-worker", 1);
    const auto worker = FindWorkerProgram();
    DML_CHECK(worker.ok(), "dml-worker is built");
    ConnectOptions connect;
    connect.accept_unknown = [](const Host&, const HostKey&) { return true; };
    const Instant start = clock_.Now();
    const NodeFacts facts = SetUpNode(TheHost(), *worker, connect);
    DML_CHECK(!facts.problem, "the node is set up");
    Print("set-up of a node", (clock_.Now() - start).seconds(), "s");
    ClusterOptions options;
    options.cluster = servers_.AllHosts();
    options.cluster.hosts = {TheHost()};
    options.worker = *worker;
    options.client = "bench";
    auto runner = SshRunner::Connect(std::move(options), sink_);
    DML_CHECK(runner.ok(), "the node is there");
    runner_ = std::move(runner).value();
  }

  void Tasks(std::size_t count) {
    std::vector<runners::LaunchSpec> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(Noop());
    const Instant start = clock_.Now();
    Run(std::move(batch));
    Print("trivial tasks", static_cast<double>(count) / (clock_.Now() - start).seconds(), "/s");
  }

  void RoundTrips() {
    const Instant start = clock_.Now();
    for (std::size_t i = 0; i < kRoundTrips; ++i) Run({Noop()});
    Print("round trip of a task", (clock_.Now() - start).seconds() * 1e3 / kRoundTrips, "ms");
  }

  // An input that nobody has yet goes up; then an output of the same size comes down.
  void Bytes(std::size_t mebibytes) {
    const std::string path = servers_.Path("big");
    WriteNoise(path, mebibytes);
    const auto digest = HashFile(path);
    runners::LaunchSpec spec = Command("true");
    Artifact input;
    input.port = "in";
    input.files = {{"big", path, static_cast<std::int64_t>(mebibytes << 20), *digest}};
    spec.inputs = {input};
    std::get<runners::Command>(spec.work).inputs = {{"in", "in.dat"}};
    Instant start = clock_.Now();
    Run({spec});
    const auto amount = static_cast<double>(mebibytes);
    Print("up, with hashing", amount / (clock_.Now() - start).seconds(), "MiB/s");
    // The node has a disk of its own: what comes back is what went there, and a line more.
    runners::LaunchSpec back = Command("cat in.dat > o.txt; echo >> o.txt");
    back.inputs = {input};
    std::get<runners::Command>(back.work).inputs = {{"in", "in.dat"}};
    std::get<runners::Command>(back.work).outputs = {{"o", "o.txt"}};
    back.outputs.resize(1);
    back.outputs[0].name = "o";
    back.outputs[0].kind = PortKind::kFile;
    start = clock_.Now();
    Run({back});
    Print("down, with a copy and hashing", amount / (clock_.Now() - start).seconds(), "MiB/s");
  }

  // Two inputs of half that size each, for one task.
  void TwoUp(std::size_t mebibytes) {
    runners::LaunchSpec spec = Command("true");
    Artifact input;
    input.port = "in";
    for (const std::string name : {"left", "right"}) {
      const std::string path = servers_.Path(name);
      WriteNoise(path, mebibytes / 2);
      input.files.push_back(
          {name, path, static_cast<std::int64_t>(mebibytes / 2) << 20, HashFile(path).value()});
    }
    spec.inputs = {input};
    std::get<runners::Command>(spec.work).inputs = {{"in", "in"}};
    const Instant start = clock_.Now();
    Run({spec});
    Print("up, two at once", static_cast<double>(mebibytes) / (clock_.Now() - start).seconds(),
          "MiB/s");
  }

  // What libssh does with nothing around it: the same file through `cat`.
  void Ceiling() {
    const std::string path = servers_.Path("big");
    const auto content = ReadFile(path);
    Stage reached = Stage::kReach;
    auto session = SshSession::Open(TheHost(), {}, reached);
    DML_CHECK(session.ok() && content.ok(), "the server is there");
    const double amount = static_cast<double>(content->size()) / (1 << 20);
    const auto placed = RunRemote(**session, "cat > ceiling", *content, Duration::Seconds(99));
    DML_CHECK(placed.ok() && placed->code == 0, "it has a home folder");
    Instant start = clock_.Now();
    DML_CHECK((*session)->Exec("exec cat ceiling").ok(), "it has cat");
    std::size_t got = 0;
    for (auto more = (*session)->Read(kReadBytes, Duration::Seconds(10)); more.ok();
         more = (*session)->Read(kReadBytes, Duration::Seconds(10))) {
      got += more->size();
    }
    DML_CHECK(got == content->size(), "everything arrives");
    Print("libssh alone, down", amount / (clock_.Now() - start).seconds(), "MiB/s");
    start = clock_.Now();
    const auto output =
        RunRemote(**session, "exec cat > /dev/null", *content, Duration::Seconds(99));
    DML_CHECK(output.ok() && output->code == 0, "everything is taken");
    Print("libssh alone, up", amount / (clock_.Now() - start).seconds(), "MiB/s");
  }

 private:
  Host TheHost() {
    Host host = servers_.HostOf(0);
    if (!delayed_) return host;
    host.address = "127.0.0.1";
    host.port = proxy_.port();
    return host;
  }

  runners::LaunchSpec Noop() {
    runners::LaunchSpec spec;
    spec.key = {RunId{1}, TaskId(next_++), AttemptNumber{1}};
    spec.work = std::vector<runners::NativeStep>{{"noop", Json::object()}};
    return spec;
  }

  runners::LaunchSpec Command(const std::string& script) {
    runners::LaunchSpec spec = Noop();
    spec.attempt_dir = servers_.Path("head/" + std::to_string(next_));
    spec.log_path = spec.attempt_dir + ".log";
    spec.work = runners::Command{{"/bin/sh", "-c", script}, spec.attempt_dir + "/work", {}, {}};
    return spec;
  }

  void Run(std::vector<runners::LaunchSpec> batch) {
    std::vector<runners::AttemptKey> keys;
    for (const auto& spec : batch) keys.push_back(spec.key);
    ended_ += batch.size();
    DML_CHECK(runner_->Launch(std::move(batch)).ok(), "handing over works");
    sink_.Await(ended_);
    for (const auto& key : keys) runner_->Release(key);
  }

  const SystemClock clock_;
  SshdFixture servers_;
  FaultProxy proxy_;
  const bool delayed_;
  CountingSink sink_;
  std::unique_ptr<SshRunner> runner_;
  std::size_t next_ = 0;
  std::size_t ended_ = 0;
};

// The real program from its start to its end: every task planned, placed, run there, stored and
// logged here.
void WholeRun(std::size_t tasks) {
  constexpr std::size_t kWidth = 100;
  const SystemClock clock;
  SshdFixture servers{std::vector<ServerOptions>(1)};
  const std::string dml = DML_BINARY_DIR "/dml";
  const std::string inventory = servers.WriteInventory();
  const auto run = [&](const std::vector<std::string>& words) {
    const auto output = RunProgram(words, Duration::Seconds(600));
    DML_CHECK(output.ok() && output->code == 0, output.ok() ? output->err.c_str() : "it hangs");
  };
  run({dml, "cluster", "setup", "--accept-new-host-keys", "-c", inventory});
  const auto numbers = [](std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "" : ", ") + std::to_string(i);
    return list;
  };
  const std::string pipeline = servers.Path("noops.yaml");
  std::ofstream(pipeline) << "name: noops\nsteps:\n  - id: t\n    uses: noop\n    matrix: {a: ["
                          << numbers(tasks / kWidth) << "], b: [" << numbers(kWidth) << "]}\n"
                          << "    env: {A: \"${matrix.a}\", B: \"${matrix.b}\"}\n";
  const Instant start = clock.Now();
  run({dml, "run", pipeline, "-q", "--cluster", inventory, "--home", servers.Path("home")});
  const double count = static_cast<double>(tasks / kWidth * kWidth);
  Print("trivial tasks of a whole `dml run`", count / (clock.Now() - start).seconds(), "/s");
}

// `dml cluster` on three and on ten nodes, of which two are dead: one refuses, one says nothing.
void Commands() {
  const SystemClock clock;
  SshdFixture servers{std::vector<ServerOptions>(kManyNodes)};
  const std::string dml = DML_BINARY_DIR "/dml";
  const std::string inventory = servers.WriteInventory();
  std::vector<std::string> setup{dml,  "cluster", "setup", "--accept-new-host-keys",
                                 "-c", inventory};
  const auto run = [&](const char* what, const std::vector<std::string>& words, int code) {
    const Instant start = clock.Now();
    const auto output = RunProgram(words, Duration::Seconds(99));
    DML_CHECK(output.ok() && output->code == code, output.ok() ? output->err.c_str() : "it hangs");
    Print(what, (clock.Now() - start).seconds(), "s");
  };
  std::vector<std::string> three = setup;
  three.insert(three.end(), {"--only", "n1", "--only", "n2", "--only", "n3"});
  run("dml cluster setup, three nodes", three, 0);
  run("dml cluster setup, ten nodes", setup, 0);
  servers.server(4).Stop();
  servers.server(7).PullCable();
  run("dml cluster check, ten nodes, two of them dead", {dml, "cluster", "check", "-c", inventory},
      3);
  servers.server(7).PlugIn();
}

}  // namespace
}  // namespace dml::ssh

int main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::atol(argv[i])) : otherwise;
  };
  const std::size_t tasks = argument(1, 20'000);
  const std::size_t mebibytes = argument(2, 256);
  {
    dml::ssh::Bench bench{dml::Duration{}};
    bench.RoundTrips();
    bench.Tasks(tasks);
    bench.Bytes(mebibytes);
    bench.TwoUp(mebibytes);
    bench.Ceiling();
  }
  {
    std::cout << "with 50 ms from one end to the other and back:\n";
    dml::ssh::Bench bench{dml::ssh::kDelay};
    bench.Bytes(mebibytes);
    bench.TwoUp(mebibytes);
  }
  dml::ssh::WholeRun(tasks);
  dml::ssh::Commands();
  return 0;
}
