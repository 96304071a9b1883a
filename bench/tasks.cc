// What a task costs, end to end: the real program on generated pipelines, from its start to its
// end, in a fresh home folder. `bench_tasks [native|commands|plan|cached|start]...`, all by
// default.
//
//   native    one run of 1,000, 10,000 and 100,000 `noop` steps: tasks per second, and Dask's
//             schedulers on functions that do nothing, where $PEER_PYTHON (or python3) has them
//   commands  one run of 10,000 `run: ["true"]`, and ninja on the same commands: the ratio
//   plan      `dml plan` of 100,000 tasks
//   cached    the second run of 10,000 commands
//   start     `dml version`

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "bench/peers.h"

namespace dml {
namespace {

constexpr int kRepeats = 3;
constexpr int kStarts = 50;
constexpr int kCommands = 10'000;
// What makes each of them a task of its own.
constexpr const char* kDistinct = "env: {A: \"${matrix.a}\", B: \"${matrix.b}\"}";

class Bench {
 public:
  explicit Bench(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
  }
  ~Bench() { std::filesystem::remove_all(folder_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void Native() {
    for (const int count : {1000, 10'000, 100'000}) {
      WritePipeline("native.yaml", count, "uses: noop", kDistinct);
      const double best = Best([&] { return Fresh({"run", Path("native.yaml"), "-q"}); });
      fmt::print("native    {:>7} tasks   {:7.3f} s  {:8.0f} tasks/s  {:5.1f} us a task\n", count,
                 best, count / best, best / count * 1e6);
      if (count == 100'000) CompareDask(count / best);
    }
  }

  void Commands() {
    WriteCommands();
    std::ofstream ninja(Path("build.ninja"));
    ninja << "rule command\n  command = true\n";
    for (int i = 0; i < kCommands; ++i) ninja << "build o" << i << ": command\n";
    ninja.close();
    // Alternating, so that both see the same machine.
    double ours = 1e9;
    double theirs = 1e9;
    for (int i = 0; i < kRepeats; ++i) {
      ours = std::min(ours, Fresh({"run", Path("commands.yaml"), "-q", "-j", "2"}));
      std::filesystem::remove(Path(".ninja_log"));
      theirs = std::min(theirs, Run({"ninja", "-C", folder_, "-j2", "--quiet"}));
    }
    fmt::print("commands  {:>7} tasks   {:7.3f} s  {:8.0f} tasks/s\n", kCommands, ours,
               kCommands / ours);
    fmt::print("ninja     {:>7} tasks   {:7.3f} s  {:8.0f} tasks/s  ratio {:.2f}\n", kCommands,
               theirs, kCommands / theirs, theirs / ours);
  }

  void Plan() {
    constexpr int kTasks = 100'000;
    WritePipeline("plan.yaml", kTasks, "uses: noop", kDistinct);
    const double best = Best([&] { return Fresh({"plan", Path("plan.yaml"), "-q"}); });
    fmt::print("plan      {:>7} tasks   {:7.3f} s\n", kTasks, best);
  }

  void Cached() {
    WriteCommands();
    Fresh({"run", Path("commands.yaml"), "-q"});
    const double best = Best([&] { return Dml({"run", Path("commands.yaml"), "-q"}); });
    fmt::print("cached    {:>7} tasks   {:7.3f} s\n", kCommands, best);
  }

  void Start() {
    std::vector<double> seconds;
    for (int i = 0; i < kStarts; ++i) seconds.push_back(Dml({"version"}));
    std::ranges::sort(seconds);
    fmt::print("start                   {:7.2f} ms (median of {})\n",
               seconds[seconds.size() / 2] * 1e3, kStarts);
  }

 private:
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  void WriteCommands() const {
    WritePipeline("commands.yaml", kCommands, "run: [\"true\"]", kDistinct);
  }

  void WritePipeline(const std::string& name, int count, const std::string& work,
                     const std::string& more) const {
    const auto axis = [](int size) {
      std::string list;
      for (int i = 0; i < size; ++i) list += fmt::format("{}{}", i > 0 ? ", " : "", i);
      return list;
    };
    std::ofstream(Path(name)) << fmt::format(
        "name: bench\nsteps:\n  - id: t\n    {}\n    matrix: {{a: [{}], b: [{}]}}\n    {}\n", work,
        axis(count / 100), axis(100), more);
  }

  static void CompareDask(double ours) {
    const auto lines =
        LinesOfPeer(fmt::format("{} {}/tasks_peer.py 100000", PeerPython(), DML_BENCH_DIR));
    for (const std::string& line : lines) {
      std::array<char, 32> peer{};
      int tasks = 0;
      double seconds = 0;
      if (std::sscanf(line.c_str(), "%31s %d %lf", peer.data(), &tasks, &seconds) != 3) continue;
      fmt::print("{} {:>7} tasks   {:7.3f} s  {:8.0f} tasks/s  ratio {:.1f}\n", peer.data(), tasks,
                 seconds, tasks / seconds, ours * seconds / tasks);
    }
  }

  [[nodiscard]] double Best(const std::function<double()>& measure) const {
    double best = 1e9;
    for (int i = 0; i < kRepeats; ++i) best = std::min(best, measure());
    return best;
  }

  double Fresh(const std::vector<std::string>& args) {
    std::filesystem::remove_all(Path("home"));
    return Dml(args);
  }

  double Dml(std::vector<std::string> args) {
    args.insert(args.begin(), DML_PROGRAM);
    args.insert(args.end(), {"--home", Path("home")});
    return Run(args);
  }

  // Seconds from the start of the process to its end; gives up if it fails.
  double Run(const std::vector<std::string>& args) const {
    std::vector<char*> argv;
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    const Instant start = clock_.Now();
    pid_t pid = 0;
    int status = 1;
    if (posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0) {
      ::waitpid(pid, &status, 0);
    }
    const double seconds = (clock_.Now() - start).seconds();
    posix_spawn_file_actions_destroy(&actions);
    if (status == 0) return seconds;
    fmt::print(stderr, "'{} {}' failed\n", args[0], args[1]);
    std::exit(1);
  }

  const std::string folder_;
  const SystemClock clock_;
};

}  // namespace
}  // namespace dml

int main(int argc, char** argv) {
  dml::Bench bench(std::filesystem::temp_directory_path() /
                   fmt::format("bench_tasks_{}", getpid()));
  const std::map<std::string, void (dml::Bench::*)()> parts{{"native", &dml::Bench::Native},
                                                            {"commands", &dml::Bench::Commands},
                                                            {"plan", &dml::Bench::Plan},
                                                            {"cached", &dml::Bench::Cached},
                                                            {"start", &dml::Bench::Start}};
  std::vector<std::string> wanted(argv + 1, argv + argc);
  if (wanted.empty()) wanted = {"start", "plan", "cached", "native", "commands"};
  for (const std::string& name : wanted) {
    const auto part = parts.find(name);
    if (part == parts.end()) {
      fmt::print(stderr, "no benchmark '{}'\n", name);
      return 2;
    }
    (bench.*part->second)();
  }
}
