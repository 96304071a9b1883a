#include "tests/e2e/program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/sanitized.h"
#include "tests/send_signal.h"

namespace dml::e2e {

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kLifeMax = std::chrono::seconds(240);
// An idle worker needs a moment to see that its head is dead.
constexpr auto kLastBreath = std::chrono::seconds(5);
constexpr int kPollMs = 5;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Everything that a test starts inherits the variable of its home.
std::vector<pid_t> ProcessesWith(const std::string& variable) {
  std::vector<pid_t> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    if (ReadAll(entry.path().string() + "/environ").find(variable) != std::string::npos) {
      found.push_back(pid);
    }
  }
  return found;
}

// In the child, between fork and exec: system calls only.
void BecomeProgram(const std::string& folder, const std::string& out, const std::string& err,
                   const StartOptions& options, std::vector<char*>& argv, std::vector<char*>& env) {
  if (::chdir(folder.c_str()) != 0) ::_exit(125);
  const int in_fd = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(in_fd, STDIN_FILENO);
  if (!options.input.empty()) {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(125);
    const ssize_t put = ::write(ends[1], options.input.data(), options.input.size());
    if (put != static_cast<ssize_t>(options.input.size())) ::_exit(125);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[1]);
  }
  ::dup2(out_fd, STDOUT_FILENO);
  ::dup2(err_fd, STDERR_FILENO);
  ::close(in_fd);
  ::close(out_fd);
  ::close(err_fd);
  if (options.error_is_closed) {
    int ends[2] = {-1, -1};
    ::pipe(ends);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  if (options.obeys_permissions) {
    ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
    ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
  }
  if (options.file_size_max >= 0) {
    const auto bytes = static_cast<rlim_t>(options.file_size_max);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ::execve(argv[0], argv.data(), env.data());
  ::_exit(126);
}

// What sanitizers found in any program of a test: a worker may die of it and be replaced, and the
// user gets the same result.
constexpr char kFindings[] = "sanitizer";

void ExpectNoFindings(const std::string& folder) {
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator(folder, gone)) {
    if (!entry.path().filename().string().starts_with(kFindings)) continue;
    ADD_FAILURE() << ReadAll(entry.path().string());
  }
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Program::Program(pid_t pid, std::string out_path, std::string err_path)
    : pid_(pid), out_path_(std::move(out_path)), err_path_(std::move(err_path)) {}

Program::Program(Program&& other) noexcept
    : pid_(other.pid_),
      out_path_(std::move(other.out_path_)),
      err_path_(std::move(other.err_path_)) {
  other.pid_ = -1;
}

Program::~Program() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Program::Signal(int number) const { SendSignal(pid_, number); }

std::string Program::ErrorSoFar() const { return ReadAll(err_path_); }

Finished Program::Wait() {
  int status = 0;
  const auto deadline = std::chrono::steady_clock::now() + kLifeMax;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      ADD_FAILURE() << "it does not end: " << ErrorSoFar();
      ::kill(pid_, SIGKILL);
    }
    ::poll(nullptr, 0, 1);
  }
  pid_ = -1;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, ReadAll(out_path_), ReadAll(err_path_)};
}

EndToEnd::EndToEnd() {
  std::string name = (fs::temp_directory_path() / "dml-e2e-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  folder_ = fs::canonical(name).string();
  fs::create_directory(folder_ + "/.out");
}

EndToEnd::~EndToEnd() {
  const std::string mark = "DML_HOME=" + folder_ + "/";
  const auto deadline = std::chrono::steady_clock::now() + kLastBreath;
  std::vector<pid_t> left = ProcessesWith(mark);
  while (!left.empty() && std::chrono::steady_clock::now() < deadline) {
    ::poll(nullptr, 0, kPollMs);
    left = ProcessesWith(mark);
  }
  for (const pid_t pid : left) {
    ADD_FAILURE() << "process " << pid << " is left behind";
    ::kill(pid, SIGKILL);
  }
  ExpectNoFindings(folder_ + "/.out");
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void EndToEnd::Write(const std::string& name, const std::string& content) const {
  fs::create_directories(fs::path(Path(name)).parent_path());
  std::ofstream(Path(name), std::ios::binary) << content;
}

std::string EndToEnd::Read(const std::string& name) const { return ReadAll(Path(name)); }

bool EndToEnd::Exists(const std::string& name) const { return fs::exists(Path(name)); }

Program EndToEnd::Start(const std::vector<std::string>& args, const StartOptions& options) const {
  std::vector<std::string> words{std::string(DML_BINARY_DIR) + "/dml"};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> env{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + folder_,
                               "DML_HOME=" + folder_ + "/.dml"};
#if defined(DML_SANITIZED)
  env.push_back("ASAN_OPTIONS=log_path=" + folder_ + "/.out/" + kFindings);
#endif
  for (const std::string& entry : options.env) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& old) { return old.starts_with(name); });
    env.push_back(entry);
  }
  const std::string number = std::to_string(count_++);
  const std::string out = folder_ + "/.out/" + number + ".stdout";
  const std::string err = folder_ + "/.out/" + number + ".stderr";
  std::vector<char*> argv = Pointers(words);
  std::vector<char*> envp = Pointers(env);
  const pid_t pid = ::fork();
  if (pid == 0) BecomeProgram(folder_, out, err, options, argv, envp);
  return {pid, out, err};
}

Finished EndToEnd::Run(const std::vector<std::string>& args, const StartOptions& options) const {
  return Start(args, options).Wait();
}

Json EndToEnd::RunJson(std::vector<std::string> args) const {
  args.insert(args.end(), {"-o", "json"});
  const Finished finished = Run(args);
  EXPECT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out, nullptr, /*allow_exceptions=*/false);
  EXPECT_FALSE(json.is_discarded()) << finished.out;
  return json;
}

std::map<std::string, std::string> EndToEnd::States() const {
  std::map<std::string, std::string> states;
  const Json status = RunJson({"status", "--all"});
  for (const Json& task : status.at("tasks")) {
    states[task.at("name").get<std::string>()] = task.at("state").get<std::string>();
  }
  return states;
}

void EndToEnd::WaitUntil(const std::function<bool()>& condition, const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "still not: " << what;
    ::poll(nullptr, 0, kPollMs);
  }
}

}  // namespace dml::e2e
