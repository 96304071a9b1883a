// What an SSH node costs, on real servers of this machine: trivial tasks a second, those of a whole
// `dml run`, the round trip of one, bytes a second in both directions beside what libssh alone
// does, the same through a line with a delay, and how long `dml cluster` takes for three and for
// ten nodes.

#include <fmt/format.h>

#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/files.h"
#include "base/hash.h"
#include "bench/cluster_bytes.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/ssh_runner.h"
#include "runners/ssh/subprocess.h"
#include "tests/ssh/fault_proxy.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

constexpr std::size_t kRoundTrips = 300;
// There and back again: 50 ms.
constexpr Duration kDelay = Duration::Millis(25);
constexpr std::size_t kManyNodes = 10;
struct Bounds {
  std::size_t least;
  std::size_t most;
};
// A whole run needs a row of its matrix, and two inputs at once a mebibyte each.
constexpr Bounds kTasks{100, 1'000'000};
constexpr Bounds kMebibytes{2, 65'536};
const std::set<std::string> kParts{"tasks", "bytes", "alone", "far", "run", "commands"};

void Print(const std::string& what, double value, const char* unit) {
  std::cout << fmt::format("{:<44}{:>10.2f} {}\n", what, value, unit) << std::flush;
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
    auto worker = FindWorkerProgram();
    DML_CHECK(worker.ok(), "dml-worker is built");
    worker_ = std::move(worker).value();
    ConnectOptions connect;
    connect.accept_unknown = [](const Host&, const HostKey&) { return true; };
    const Instant start = clock_.Now();
    const NodeFacts facts = SetUpNode(TheHost(), worker_, connect);
    DML_CHECK(!facts.problem, "the node is set up");
    Print("set-up of a node", (clock_.Now() - start).seconds(), "s");
    ClusterOptions options;
    options.cluster = servers_.AllHosts();
    options.cluster.hosts = {TheHost()};
    options.worker = worker_;
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
    WriteContent(path, mebibytes, Content::kNoise);
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
      WriteContent(path, mebibytes / 2, Content::kNoise);
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

  // The line alone, in both directions.
  void BytesAlone(std::size_t mebibytes) {
    for (const Content content : {Content::kNoise, Content::kText}) {
      PrintBytesAlone(TheHost(), worker_, servers_.folder(), mebibytes, content);
    }
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
  WorkerProgram worker_;
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

// Exchanges a part of the text of a file.
void Edit(const std::string& path, const std::string& what, const std::string& by) {
  std::string text = ReadFile(path).value();
  const std::size_t at = text.find(what);
  DML_CHECK(at != std::string::npos, "it is there");
  std::ofstream(path) << text.replace(at, what.size(), by);
}

// `dml cluster` on three and on ten nodes, of which two are dead: one refuses, one says nothing.
void Commands() {
  const SystemClock clock;
  SshdFixture servers{std::vector<ServerOptions>(kManyNodes)};
  const std::string dml = DML_BINARY_DIR "/dml";
  const std::string inventory = servers.WriteInventory();
  FaultProxy silent(servers.server(7).address(), servers.server(7).port());
  const auto place = [](const std::string& host, int port) {
    return fmt::format("name: n8, host: {}, port: {}}}", host, port);
  };
  Edit(inventory, place(servers.server(7).address(), servers.server(7).port()),
       place("127.0.0.1", silent.port()));
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
  silent.Freeze(true);
  Edit(inventory, "connect_timeout: 30s\n", "");  // what a person has who has said nothing
  run("dml cluster check, ten nodes, two of them dead", {dml, "cluster", "check", "-c", inventory},
      3);
}

constexpr char kUsage[] =
    "bench_cluster [--tasks N] [--mebibytes N] [PART...]\n"
    "What an SSH node costs, on servers that it starts on this machine.\n\n"
    "Parts (all of them, if none is named):\n"
    "  tasks     trivial tasks through one node, and the round trip of one\n"
    "  bytes     an input up and an output down, by tasks\n"
    "  alone     a blob up and down without a task, beside libssh alone\n"
    "  far       `bytes` with 50 ms from one end to the other and back\n"
    "  run       trivial tasks of a whole `dml run`\n"
    "  commands  `dml cluster setup` and `check`, with three and with ten nodes\n\n"
    "  --tasks N      how many of them (20000)\n"
    "  --mebibytes N  the size of a blob (256)\n";

struct Options {
  std::size_t tasks = 20'000;
  std::size_t mebibytes = 256;
  std::set<std::string> parts;
};

// Nothing: it makes no sense, which was said.
std::optional<std::size_t> ReadFigure(std::string_view text, const std::string& option,
                                      Bounds bounds) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= bounds.least && value <= bounds.most) return value;
  std::cerr << fmt::format("{} takes a figure from {} to {}, not '{}'\n", option, bounds.least,
                           bounds.most, text);
  return std::nullopt;
}

// Nothing: a word makes no sense, which was said.
std::optional<Options> ReadOptions(std::span<char*> words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    if (word == "--tasks" || word == "--mebibytes") {
      const bool tasks = word == "--tasks";
      const auto value =
          ReadFigure(i + 1 < words.size() ? words[++i] : "", word, tasks ? kTasks : kMebibytes);
      if (!value) return std::nullopt;
      (tasks ? options.tasks : options.mebibytes) = *value;
    } else if (kParts.contains(word)) {
      options.parts.insert(word);
    } else {
      std::cerr << fmt::format("no part '{}'; see bench_cluster --help\n", word);
      return std::nullopt;
    }
  }
  if (options.parts.empty()) options.parts = kParts;
  return options;
}

void RunParts(const Options& options) {
  const auto wants = [&](const char* part) { return options.parts.contains(part); };
  if (wants("tasks") || wants("bytes") || wants("alone")) {
    Bench bench{Duration{}};
    if (wants("tasks")) bench.RoundTrips();
    if (wants("tasks")) bench.Tasks(options.tasks);
    if (wants("bytes")) bench.Bytes(options.mebibytes);
    if (wants("bytes")) bench.TwoUp(options.mebibytes);
    if (wants("alone")) bench.BytesAlone(options.mebibytes);
  }
  if (wants("far")) {
    std::cout << "with 50 ms from one end to the other and back:\n";
    Bench bench{kDelay};
    bench.Bytes(options.mebibytes);
    bench.TwoUp(options.mebibytes);
  }
  if (wants("run")) WholeRun(options.tasks);
  if (wants("commands")) Commands();
}

}  // namespace
}  // namespace dml::ssh

int main(int argc, char** argv) {
  const std::span<char*> words(argv + 1, static_cast<std::size_t>(argc - 1));
  for (const std::string_view word : words) {
    if (word == "--help" || word == "-h") {
      std::cout << dml::ssh::kUsage;
      return 0;
    }
  }
  const auto options = dml::ssh::ReadOptions(words);
  if (!options) return 2;
  dml::ssh::RunParts(*options);
  return 0;
}
