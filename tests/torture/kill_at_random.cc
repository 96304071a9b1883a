// kill -9 at random moments of a real pipeline, again and again, each time resumed until it is
// done, with the outcome compared to that of an undisturbed run.
//
//   kill_at_random [--count=N] [--seed=N] DML PIPELINE
//
// What dies is drawn: the orchestrator, a worker, or both with everything they started. After each
// round the store must hold the same files, nothing may be left running or lying about, the log
// must fold to the tables, and no task that had finished may have been repeated. A dml that does
// not end is killed with all it has started, and fails the round.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "orchestrator/state/run_view.h"
#include "runners/agent/orphans.h"
#include "tests/e2e/leavings.h"

namespace dml::torture {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr int kLivesMax = 50;
constexpr int kNothingToResume = 2;
// What a life may take after its kill.
constexpr double kPatienceSeconds = 120;
constexpr int kHangs = 125;  // in place of an exit code

struct Options {
  int count = 10;
  unsigned seed = 1;
  std::string program;
  std::string pipeline;
};

struct Tally {
  int deaths = 0;
  int orchestrators = 0;
  int workers = 0;
  int everything = 0;
};

class Rounds {
 public:
  explicit Rounds(Options options) : options_(std::move(options)), random_(options_.seed) {}

  int Run() {
    folder_ = fs::temp_directory_path() / fmt::format("dml-torture-{}", ::getpid());
    if (!Reference()) return 1;
    for (int round = 1; round <= options_.count; ++round) {
      const std::vector<std::string> complaints = Round();
      for (const std::string& line : complaints) fmt::print(stderr, "round {}: {}\n", round, line);
      if (!complaints.empty()) {
        static_cast<void>(agent::EndOrphans(Home()).ok());
        fmt::print(stderr, "kept for inspection: {}\n", folder_);
        return 1;
      }
      fs::remove_all(Home());
    }
    fs::remove_all(folder_);
    fmt::print(
        "{} rounds of {:.2f} s, {} deaths: {} of dml, {} of a worker, {} of everything; all "
        "resumed to the same {} files\n",
        options_.count, seconds_, tally_.deaths, tally_.orchestrators, tally_.workers,
        tally_.everything, expected_.size());
    return 0;
  }

 private:
  [[nodiscard]] std::string Home() const { return folder_ + "/home"; }

  bool Reference() {
    fs::create_directories(folder_);
    const std::string home = folder_ + "/reference";
    const auto start = SteadyClock::now();
    const int code = WaitFor(Start({"run", options_.pipeline}, home));
    seconds_ = std::chrono::duration<double>(SteadyClock::now() - start).count();
    expected_ = e2e::BlobsOf(home);
    if (code != 0) fmt::print(stderr, "the undisturbed run fails:\n{}\n", Log());
    return code == 0;
  }

  std::vector<std::string> Round() {
    for (int life = 0; life < kLivesMax; ++life) {
      const bool recorded = fs::exists(Home() + "/dml.db");
      int code = Live(recorded ? std::vector<std::string>{"resume"}
                               : std::vector<std::string>{"run", options_.pipeline},
                      life);
      // It died before the run was recorded, or after it had ended.
      if (code == kNothingToResume && recorded) code = Live({"run", options_.pipeline}, life);
      if (code == 0) return Check();
      if (code > 0 && code < 128) {
        return {fmt::format("dml ended with exit code {}:\n{}", code, Log())};
      }
    }
    return {"it does not come to an end"};
  }

  // Starts dml and kills something at a random moment; later lives of a round get more time.
  int Live(const std::vector<std::string>& words, int life) {
    const pid_t pid = Start(words, Home());
    const double longest = seconds_ * (1 + life);
    const double moment = std::uniform_real_distribution(0.0, longest)(random_);
    const auto deadline = SteadyClock::now() + std::chrono::duration<double>(moment);
    while (SteadyClock::now() < deadline) {
      if (const auto code = Ended(pid)) return *code;
      ::poll(nullptr, 0, 1);
    }
    Kill(pid);
    return WaitFor(pid);
  }

  static int WaitFor(pid_t pid) {
    const auto deadline = SteadyClock::now() + std::chrono::duration<double>(kPatienceSeconds);
    while (SteadyClock::now() < deadline) {
      if (const auto code = Ended(pid)) return *code;
      ::poll(nullptr, 0, 1);
    }
    for (const pid_t one : Descendants(pid)) ::kill(one, SIGKILL);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return kHangs;
  }

  static std::optional<int> Ended(pid_t pid) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  void Kill(pid_t pid) {
    ++tally_.deaths;
    const std::vector<pid_t> below = Descendants(pid);
    switch (std::uniform_int_distribution(0, 2)(random_)) {
      case 0:
        ++tally_.orchestrators;
        ::kill(pid, SIGKILL);
        return;
      case 1:
        ++tally_.workers;
        // A worker, not its command: the death of that is a failure of the task.
        if (const std::vector<pid_t> workers = Children(pid); !workers.empty()) {
          const auto last = static_cast<int>(workers.size()) - 1;
          const auto chosen = std::uniform_int_distribution(0, last)(random_);
          ::kill(workers[static_cast<std::size_t>(chosen)], SIGKILL);
        }
        return;
      default:
        ++tally_.everything;
        ::kill(pid, SIGKILL);
        for (const pid_t one : below) ::kill(one, SIGKILL);
        return;
    }
  }

  // Of all its threads: a child belongs to the one that started it.
  static std::vector<pid_t> Children(pid_t parent) {
    std::vector<pid_t> found;
    std::error_code ignored;
    for (const auto& thread :
         fs::directory_iterator(fmt::format("/proc/{}/task", parent), ignored)) {
      std::ifstream children(thread.path().string() + "/children");
      for (pid_t child = 0; children >> child;) found.push_back(child);
    }
    return found;
  }

  static std::vector<pid_t> Descendants(pid_t root) {
    std::vector<pid_t> found = Children(root);
    for (std::size_t i = 0; i < found.size(); ++i) {
      for (const pid_t child : Children(found[i])) found.push_back(child);
    }
    return found;
  }

  pid_t Start(const std::vector<std::string>& words, const std::string& home) {
    std::vector<std::string> all{options_.program};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--home", home});
    std::vector<char*> argv;
    for (std::string& word : all) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      ::dup2(log, STDOUT_FILENO);
      ::dup2(log, STDERR_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(126);
    }
    return pid;
  }

  std::vector<std::string> Check() {
    std::vector<std::string> complaints = e2e::LeavingsOf(Home());
    if (e2e::BlobsOf(Home()) != expected_) complaints.emplace_back("other files than undisturbed");
    auto view = state::RunView::Open(Home());
    if (!view.ok()) return {view.error().Render()};
    const auto runs = view->Runs(kLivesMax);
    if (!runs.ok()) return {runs.error().Render()};
    for (const state::RunSummary& run : *runs) {
      const auto tasks = view->Tasks(run.id);
      if (!tasks.ok()) return {tasks.error().Render()};
      for (const state::TaskView& task : *tasks) {
        const auto finished = std::ranges::count(task.attempts, core::TaskState::kSucceeded,
                                                 &state::AttemptView::ended_as);
        if (finished > 1) complaints.push_back(task.name + " finished more than once");
      }
    }
    return complaints;
  }

  [[nodiscard]] std::string Log() const {
    std::ifstream log(folder_ + "/log");
    return {std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
  }

  Options options_;
  std::mt19937 random_;
  std::string folder_;
  double seconds_ = 0;
  std::set<std::string> expected_;
  Tally tally_;
};

}  // namespace
}  // namespace dml::torture

int main(int argc, char** argv) {
  dml::torture::Options options;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with("--count=")) {
      options.count = std::atoi(word.c_str() + 8);
    } else if (word.starts_with("--seed=")) {
      options.seed = static_cast<unsigned>(std::atoi(word.c_str() + 7));
    } else {
      words.push_back(word);
    }
  }
  if (words.size() != 2) {
    fmt::print(stderr, "usage: kill_at_random [--count=N] [--seed=N] DML PIPELINE\n");
    return 2;
  }
  options.program = words[0];
  options.pipeline = words[1];
  return dml::torture::Rounds(options).Run();
}
