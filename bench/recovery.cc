// How soon a half-done run goes on, and whether earlier runs make anything dearer. The real
// program. `bench_recovery DML`
//
//   resume    a run of 100,000 tasks, killed half-way: from `dml resume` to its first task
//   history   the time of one small run after 10 and after 1,000 runs in the same home

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "orchestrator/state/database.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr int kTasks = 100'000;
constexpr int kRepeats = 31;
constexpr int kLookMs = 2;

class Bench {
 public:
  Bench(std::string program, std::string folder)
      : program_(std::move(program)), folder_(std::move(folder)), home_(folder_ + "/home") {
    fs::create_directories(folder_);
  }
  ~Bench() { fs::remove_all(folder_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void Resume() {
    std::ofstream(folder_ + "/p.yaml")
        << "name: bench\nsteps:\n  - id: t\n    uses: noop\n    matrix: {a: [" << Numbers(1000)
        << "], b: [" << Numbers(kTasks / 1000) << "]}\n"
        << "    env: {A: \"${matrix.a}\", B: \"${matrix.b}\"}\n";
    const pid_t pid = Start({"run", "p.yaml", "-q"});
    while (Count("SELECT count(*) FROM tasks WHERE state = 6") < kTasks / 2) {
      ::poll(nullptr, 0, 20);
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    const std::int64_t done = Count("SELECT count(*) FROM tasks WHERE state = 6");
    const std::string launches = "SELECT count(*) FROM events WHERE to_state = 2";
    const std::int64_t before = Count(launches);
    const Instant start = clock_.Now();
    const pid_t resumed = Start({"resume", "-q"});
    while (Count(launches) <= before) ::poll(nullptr, 0, kLookMs);
    const double first = (clock_.Now() - start).seconds();
    ::waitpid(resumed, nullptr, 0);
    const double all = (clock_.Now() - start).seconds();
    fmt::print("resume   {} of {} tasks done: first task after {:.3f} s, all after {:.1f} s\n",
               done, kTasks, first, all);
    fs::remove_all(home_);
  }

  void History() {
    std::ofstream(folder_ + "/small.yaml")
        << "name: small\nparams: {n: 0}\nsteps:\n"
           "  - {id: a, uses: noop, env: {N: \"${params.n}\"}}\n"
           "  - {id: b, uses: noop, needs: a, env: {N: \"${params.n}\"}}\n";
    Runs few(folder_ + "/few");
    Runs many(folder_ + "/many");
    Add(few, 10);
    Add(many, 1000);
    // By turns: the machine's mood is the same for both.
    for (int i = 0; i < kRepeats; ++i) {
      Add(few, 1);
      Add(many, 1);
    }
    fmt::print(
        "history  a run takes {:.1f} ms after 10 runs, {:.1f} ms after 1,000: ratio {:.2f}\n",
        few.Median() * 1e3, many.Median() * 1e3, many.Median() / few.Median());
  }

 private:
  // The runs of one home, and what each took.
  struct Runs {
    explicit Runs(std::string folder) : home(std::move(folder)) {}
    // Of the last kRepeats.
    [[nodiscard]] double Median() const {
      std::vector<double> last(seconds.end() - kRepeats, seconds.end());
      std::ranges::sort(last);
      return last[last.size() / 2];
    }

    std::string home;
    std::vector<double> seconds;
  };

  void Add(Runs& runs, int count) {
    for (; count > 0; --count) {
      const std::string parameter = fmt::format("n={}", runs.seconds.size());
      const Instant start = clock_.Now();
      Wait(Start({"run", "small.yaml", "-q", "-S", parameter}, runs.home));
      runs.seconds.push_back((clock_.Now() - start).seconds());
    }
  }

  static std::string Numbers(int count) {
    std::string text = "0";
    for (int i = 1; i < count; ++i) text += fmt::format(", {}", i);
    return text;
  }

  static void Wait(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fmt::print("a run fails\n");
      std::exit(1);
    }
  }

  // Reads beside the running program; 0 while there is nothing to read yet.
  std::int64_t Count(const std::string& sql) {
    auto db = state::Database::Open(home_ + "/dml.db", state::OpenMode::kReadOnly);
    if (!db.ok()) return 0;
    auto query = db->Prepare(sql);
    if (!query.ok()) return 0;
    const auto row = query->Step();
    return row.ok() && *row ? query->Int(0) : 0;
  }

  pid_t Start(std::vector<std::string> words) { return Start(std::move(words), home_); }
  pid_t Start(std::vector<std::string> words, const std::string& home) {
    words.insert(words.begin(), program_);
    words.insert(words.end(), {"--home", home});
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, STDOUT_FILENO);
      if (::chdir(folder_.c_str()) == 0) ::execv(argv[0], argv.data());
      ::_exit(126);
    }
    return pid;
  }

  const SystemClock clock_;
  const std::string program_;
  const std::string folder_;
  const std::string home_;
};

}  // namespace
}  // namespace dml

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print("usage: bench_recovery DML\n");
    return 2;
  }
  const std::string folder =
      std::filesystem::temp_directory_path() / fmt::format("bench_recovery_{}", ::getpid());
  dml::Bench bench(std::filesystem::absolute(argv[1]), folder);
  bench.Resume();
  std::fflush(stdout);
  bench.History();
}
