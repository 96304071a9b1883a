#include "tests/ssh/sshd_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/files.h"
#include "base/json.h"
#include "base/process.h"
#include "runners/ssh/subprocess.h"
#include "tests/send_signal.h"

namespace dml::ssh {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr int kPatienceMs = 60'000;
constexpr int kPollMs = 2;
constexpr int kKeptFd = 200;

int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

bool Listens(const std::string& host, int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool up = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return up;
}

void MakeKey(const std::string& path) {
  fs::remove(path);
  fs::remove(path + ".pub");
  const auto made = RunProgram({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path},
                               Duration::Seconds(60));
  if (!made.ok() || made->code != 0) ADD_FAILURE() << "ssh-keygen";
}

void Write(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), mode);
}

std::map<pid_t, pid_t> Parents() {
  std::map<pid_t, pid_t> parents;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    const auto stat = pid > 0 ? ReadFile(entry.path().string() + "/stat")
                              : Result<std::string>(Error::Environment(""));
    if (!stat.ok()) continue;
    const std::size_t end = stat->rfind(')');
    if (end != std::string::npos) parents[pid] = std::atoi(stat->c_str() + end + 4);
  }
  return parents;
}

std::string CommandLine(pid_t pid) {
  auto text = ReadFile(fmt::format("/proc/{}/cmdline", pid));
  return text.ok() ? *text : "";
}

// Everything that works in this folder or was started with a path of it.
void EndDwellers(const std::string& folder) {
  for (int round = 0; round < 3; ++round) {
    for (const auto& [pid, parent] : Parents()) {
      std::error_code ignored;
      const std::string place =
          fs::read_symlink(fmt::format("/proc/{}/cwd", pid), ignored).string();
      const bool ours = place.starts_with(folder + "/") ||
                        CommandLine(pid).find(folder + "/") != std::string::npos;
      if (ours && pid != ::getpid()) ::kill(pid, SIGKILL);
    }
  }
}

// The system's accounts, with another home and shell for the tester's own.
std::string Accounts(const std::string& home, const std::string& shell) {
  std::ifstream file("/etc/passwd");
  std::string out;
  for (std::string line; std::getline(file, line);) {
    const bool own = line.starts_with("root:");
    out += own ? fmt::format("root:x:0:0:root:{}:{}", home, shell) : line;
    out += "\n";
  }
  return out;
}

// A boot id as Linux makes them.
std::string NewBootId() {
  auto id = ReadFile("/proc/sys/kernel/random/uuid");
  return id.ok() ? *id : "";
}

// Of a process that somebody else may have to reap: a zombie has closed everything.
void WaitForDeath(pid_t pid) {
  for (int i = 0; i < 2000; ++i) {
    const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
    if (!stat.ok() || stat->find(") Z") != std::string::npos) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace

Server::Server(const std::string& folder, int number, const std::vector<std::string>& hidden,
               ServerOptions options)
    : folder_(fmt::format("{}/n{}", folder, number)),
      name_(fmt::format("n{}", number)),
      options_(std::move(options)) {
  fs::create_directories(home());
  NewHostKey();
  Write(folder_ + "/boot_id", NewBootId(), 0644);
  WriteLogin();
  if (Machine::Allowed()) {
    const bool bare = options_.noise.empty() || options_.shell == "/bin/bash";
    const std::string shell = bare ? options_.shell : folder_ + "/shell";
    Write(folder_ + "/passwd", Accounts(home(), shell), 0644);
    machine_ = std::make_unique<Machine>(
        MachinePlan{name_, number, folder, hidden, folder_, home(), shell});
  }
  port_ = machine_ ? 22 : FreePort();
  const std::string login =
      machine_ ? "SetEnv DML_NODE=" + name_ : "ForceCommand " + folder_ + "/login";
  Write(folder_ + "/sshd_config",
        fmt::format("Port {0}\nListenAddress {3}\nHostKey {1}/host_key\nPidFile none\n"
                    "AuthorizedKeysFile {1}/../key.pub\nStrictModes no\nUsePAM no\n"
                    "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                    "PermitRootLogin yes\nLogLevel VERBOSE\n{4}\n{2}",
                    port_, folder_, options_.config, address(), login),
        0644);
}

Server::~Server() { Stop(); }

// How noise gets before every command: as the rc file of bash, as a login shell that prints, and
// where the account's own shell cannot be changed, as a command that is forced on every client.
void Server::WriteLogin() const {
  const std::string noise = options_.noise.empty() ? "" : "printf '" + options_.noise + "'\n";
  if (options_.shell == "/bin/bash") Write(home() + "/.bashrc", noise, 0644);
  Write(folder_ + "/shell", fmt::format("#!/bin/sh\n{}exec {} \"$@\"\n", noise, options_.shell),
        0755);
  Write(folder_ + "/login",
        fmt::format("#!/bin/sh\nexport HOME={0} DML_NODE={1} DML_BOOT_ID=$(cat {2}/boot_id)\n"
                    "cd {0} || exit 1\n{3}exec {4} -c \"$SSH_ORIGINAL_COMMAND\"\n",
                    home(), name_, folder_, noise, options_.shell),
        0755);
}

std::string Server::HostKey() const {
  std::ifstream file(folder_ + "/host_key.pub");
  std::string kind;
  std::string key;
  file >> kind >> key;
  return kind + " " + key;
}

void Server::NewHostKey() { MakeKey(folder_ + "/host_key"); }

void Server::Start() {
  if (::geteuid() == 0 && !machine_) fs::create_directories("/run/sshd");
  const std::string config = folder_ + "/sshd_config";
  const std::string log = folder_ + "/sshd.log";
  pid_ = ::fork();
  if (pid_ == 0) {
    // Whoever waits for the end of the test's output must not wait for a server it left behind.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    if (machine_ && !machine_->Enter()) ::_exit(126);
    ::execl(kSshd, kSshd, "-D", "-f", config.c_str(), "-E", log.c_str(), nullptr);
    ::_exit(127);
  }
  for (int waited = 0; !Listens(address(), port_); waited += kPollMs) {
    if (waited > kPatienceMs) {
      ADD_FAILURE() << "sshd does not start: " << Log();
      return;
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

std::string Server::Log() const {
  const auto text = ReadFile(folder_ + "/sshd.log");
  return text.ok() ? *text : "";
}

std::vector<pid_t> Server::Connections() const {
  const auto parents = Parents();
  std::vector<pid_t> found{pid_};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& [pid, parent] : parents) {
      if (parent == found[i] && CommandLine(pid).starts_with("sshd")) found.push_back(pid);
    }
  }
  found.erase(found.begin());
  return found;
}

void Server::CutConnections() const {
  for (const pid_t pid : Connections()) SendSignal(pid, SIGKILL);
}

void Server::Stop() {
  if (pid_ <= 0) return;
  const std::vector<pid_t> connections = Connections();
  SendSignal(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  for (const pid_t pid : connections) SendSignal(pid, SIGKILL);
  // Each may hold the listening socket as long as it lives.
  for (const pid_t pid : connections) WaitForDeath(pid);
  pid_ = 0;
}

// Without a cable of its own: its processes of sshd stop, new connections wait in the backlog.
void Server::PullCable() {
  if (machine_) return machine_->PullCable(true);
  frozen_ = Connections();
  frozen_.push_back(pid_);
  for (const pid_t pid : frozen_) SendSignal(pid, SIGSTOP);
}

void Server::PlugIn() {
  if (machine_) return machine_->PullCable(false);
  for (const pid_t pid : std::exchange(frozen_, {})) SendSignal(pid, SIGCONT);
}

void Server::Reboot() {
  Stop();
  for (auto left = Processes(); !left.empty(); left = Processes()) {
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    ::poll(nullptr, 0, kPollMs);
  }
  // Written in place: the host sees this very file.
  std::ofstream(folder_ + "/boot_id", std::ios::trunc) << NewBootId();
  Start();
}

std::vector<std::string> Server::Environment() const {
  std::vector<std::string> env{"HOME=" + home(), "DML_NODE=" + name_,
                               "PATH=/usr/local/bin:/usr/bin:/bin"};
  const auto boot = ReadFile(folder_ + "/boot_id");
  if (!machine_ && boot.ok()) env.push_back("DML_BOOT_ID=" + boot->substr(0, boot->find('\n')));
  return env;
}

int Server::RunThere(std::vector<std::string> argv) const {
  std::vector<std::string> env = Environment();
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (std::string& text : texts) out.push_back(text.data());
    out.push_back(nullptr);
    return out;
  };
  const std::vector<char*> words = pointers(argv);
  const std::vector<char*> variables = pointers(env);
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    if (machine_ && !machine_->Enter()) ::_exit(126);
    if (::chdir(home().c_str()) != 0) ::_exit(126);
    ::execve(words[0], words.data(), variables.data());
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool Server::MountSmallDisk(const std::string& path, const std::string& size, bool noexec) const {
  return machine_ && machine_->MountSmallDisk(path, size, noexec);
}

std::string Server::FromHere(const std::string& path) const {
  return machine_ ? machine_->FromHere(path) : path;
}

std::vector<pid_t> Server::Processes() const {
  std::vector<pid_t> all;
  if (machine_) {
    all = machine_->Processes();
  } else {
    for (const auto& [pid, parent] : Parents()) {
      const auto environment = ReadFile(fmt::format("/proc/{}/environ", pid));
      const std::string own = "HOME=" + home() + std::string(1, '\0');
      if (environment.ok() && environment->find(own) != std::string::npos) all.push_back(pid);
    }
  }
  std::vector<pid_t> servers = Connections();
  servers.push_back(pid_);
  std::erase_if(all, [&](pid_t pid) { return std::ranges::find(servers, pid) != servers.end(); });
  return all;
}

pid_t Server::agent() const {
  const auto text = ReadFile(root() + "/agent.pid");
  if (!text.ok()) return 0;
  // Its boot id is that of its host.
  const Json json = Json::parse(*text, nullptr, false);
  const pid_t pid = json.value("pid", 0);
  return StartOf(pid) == json.value("start", std::int64_t{0}) ? pid : 0;
}

void Server::SignalAgent(int signal) const { SendSignal(agent(), signal); }

SshdFixture::SshdFixture(const std::vector<ServerOptions>& servers) {
  std::string name = (fs::temp_directory_path() / "dml-ssh-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  folder_ = fs::canonical(name).string();
  StartJanitor();
  MakeKey(Path("key"));
  Write(Path("ssh_config"), "", 0644);
  ::setenv("DML_KNOWN_HOSTS", Path("known_hosts").c_str(), 1);
  ::unsetenv("SSH_AUTH_SOCK");
  std::vector<std::string> folders{Path("head")};
  for (std::size_t i = 0; i < servers.size(); ++i)
    folders.push_back(Path(fmt::format("n{}", i + 1)));
  for (const std::string& folder : folders) fs::create_directory(folder);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    std::vector<std::string> hidden = folders;
    hidden.erase(hidden.begin() + static_cast<long>(i) + 1);
    servers_.push_back(
        std::make_unique<Server>(folder_, static_cast<int>(i) + 1, hidden, servers[i]));
    servers_.back()->Start();
  }
}

// A process that outlives a test that was killed just long enough to clear up after it.
void SshdFixture::StartJanitor() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);
    ::setsid();
    const int test = ::fcntl(ends[0], F_DUPFD_CLOEXEC, kKeptFd);
    ::close_range(3, kKeptFd - 1, 0);
    ::close_range(kKeptFd + 1, ~0U, 0);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    char nothing = 0;
    while (::read(test, &nothing, 1) < 0 && errno == EINTR) continue;
    EndDwellers(folder_);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  janitor_ = ends[1];
}

SshdFixture::~SshdFixture() {
  for (const auto& server : servers_) server->Stop();
  servers_.clear();
  EndDwellers(folder_);
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  ::close(janitor_);
}

Host SshdFixture::HostOf(std::size_t i) const {
  Host host;
  host.name = servers_[i]->name();
  host.address = servers_[i]->address();
  host.port = servers_[i]->port();
  host.user = "root";
  if (const char* user = std::getenv("USER"); ::geteuid() != 0 && user != nullptr) host.user = user;
  host.identity_files = {Path("key")};
  host.ssh_config = Path("ssh_config");
  host.slots = 2;
  return host;
}

Cluster SshdFixture::AllHosts() const {
  Cluster cluster;
  cluster.connect_timeout = Duration::Seconds(30);
  for (std::size_t i = 0; i < servers_.size(); ++i) cluster.hosts.push_back(HostOf(i));
  return cluster;
}

std::string SshdFixture::WriteInventory(const std::string& extra) const {
  std::string text = "connect_timeout: 30s\nssh_config: " + Path("ssh_config") +
                     "\ndefaults:\n  user: " + HostOf(0).user +
                     "\n  identity_file: " + Path("key") + "\n  slots: 2\n" + extra + "hosts:\n";
  for (const auto& server : servers_) {
    text += fmt::format("  - {{name: {}, host: {}, port: {}}}\n", server->name(), server->address(),
                        server->port());
  }
  Write(Path("cluster.yaml"), text, 0644);
  return Path("cluster.yaml");
}

bool SshdFixture::Available() {
  std::error_code ignored;
  return fs::exists(kSshd, ignored);
}

}  // namespace dml::ssh
