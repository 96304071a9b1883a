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

namespace dml::ssh {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSshd = "/usr/sbin/sshd";
constexpr int kPatienceMs = 60'000;
constexpr int kPollMs = 10;

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

bool Listens(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
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

}  // namespace

Server::Server(const std::string& folder, const std::string& name, ServerOptions options)
    : folder_(folder + "/" + name), name_(name), options_(std::move(options)), port_(FreePort()) {
  fs::create_directories(home());
  NewHostKey();
  // The home folder of the account is the tester's own: every command gets one of this server's.
  Write(folder_ + "/login",
        fmt::format("#!/bin/sh\nexport HOME={0} DML_NODE={1}\ncd {0} || exit 1\n{2}exec {3} -c "
                    "\"$SSH_ORIGINAL_COMMAND\"\n",
                    home(), name, options_.noise.empty() ? "" : "printf '" + options_.noise + "'\n",
                    options_.shell),
        0755);
  Write(folder_ + "/sshd_config",
        fmt::format("Port {0}\nListenAddress 127.0.0.1\nHostKey {1}/host_key\nPidFile none\n"
                    "AuthorizedKeysFile {1}/../key.pub\nStrictModes no\nUsePAM no\n"
                    "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
                    "PermitRootLogin yes\nLogLevel VERBOSE\nForceCommand {1}/login\n{2}",
                    port_, folder_, options_.config),
        0644);
}

Server::~Server() { Stop(); }

void Server::NewHostKey() { MakeKey(folder_ + "/host_key"); }

void Server::Start() {
  if (::geteuid() == 0) fs::create_directories("/run/sshd");
  const std::string config = folder_ + "/sshd_config";
  const std::string log = folder_ + "/sshd.log";
  pid_ = ::fork();
  if (pid_ == 0) {
    // Whoever waits for the end of the test's output must not wait for a server it left behind.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    ::execl(kSshd, kSshd, "-D", "-f", config.c_str(), "-E", log.c_str(), nullptr);
    ::_exit(127);
  }
  for (int waited = 0; !Listens(port_); waited += kPollMs) {
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

std::vector<pid_t> Server::Descendants() const {
  const auto parents = Parents();
  std::vector<pid_t> found{pid_};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& [pid, parent] : parents) {
      if (parent == found[i]) found.push_back(pid);
    }
  }
  found.erase(found.begin());
  return found;
}

void Server::CutConnections() const {
  for (const pid_t pid : Descendants()) {
    if (CommandLine(pid).starts_with("sshd")) ::kill(pid, SIGKILL);
  }
}

void Server::Stop() {
  if (pid_ <= 0) return;
  const std::vector<pid_t> connections = Descendants();
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  for (const pid_t pid : connections) {
    if (CommandLine(pid).starts_with("sshd")) ::kill(pid, SIGKILL);
  }
  pid_ = 0;
}

pid_t Server::agent() const {
  const auto text = ReadFile(root() + "/agent.pid");
  if (!text.ok()) return 0;
  const Json json = Json::parse(*text, nullptr, false);
  const ProcessId id{json.value("pid", 0), json.value("start", std::int64_t{0}),
                     json.value("boot", "")};
  return IsAlive(id) ? id.pid : 0;
}

SshdFixture::SshdFixture(const std::vector<ServerOptions>& servers) {
  std::string name = (fs::temp_directory_path() / "dml-ssh-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  folder_ = fs::canonical(name).string();
  MakeKey(Path("key"));
  Write(Path("ssh_config"), "", 0644);
  ::setenv("DML_KNOWN_HOSTS", Path("known_hosts").c_str(), 1);
  ::unsetenv("SSH_AUTH_SOCK");
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers_.push_back(std::make_unique<Server>(folder_, fmt::format("n{}", i + 1), servers[i]));
    servers_.back()->Start();
  }
}

SshdFixture::~SshdFixture() {
  for (const auto& server : servers_) server->Stop();
  // Agents, workers and what they started: everything that lives in this folder.
  for (int round = 0; round < 3; ++round) {
    for (const auto& [pid, parent] : Parents()) {
      std::error_code ignored;
      const std::string place =
          fs::read_symlink(fmt::format("/proc/{}/cwd", pid), ignored).string();
      const bool ours = place.starts_with(folder_ + "/") ||
                        CommandLine(pid).find(folder_ + "/") != std::string::npos;
      if (ours && pid != ::getpid()) ::kill(pid, SIGKILL);
    }
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Host SshdFixture::HostOf(std::size_t i) const {
  Host host;
  host.name = servers_[i]->name();
  host.address = "127.0.0.1";
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
    text += fmt::format("  - {{name: {}, host: 127.0.0.1, port: {}}}\n", server->name(),
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
