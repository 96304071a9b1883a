#include "tests/ssh/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "runners/ssh/subprocess.h"

namespace dml::ssh {

namespace fs = std::filesystem;

namespace {

constexpr int kSpaces = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC;
constexpr int kFirstSpareFd = 3;
constexpr int kKeptFds = 200;
constexpr unsigned kLastFd = ~0U;
constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";
// What a bare Linux has; some are links into usr.
constexpr const char* kSystem[] = {"bin", "sbin", "lib",  "lib32", "lib64", "libx32",
                                   "usr", "etc",  "proc", "sys",   "dev"};

bool Ip(std::vector<std::string> words) {
  words.insert(words.begin(), "ip");
  const auto done = RunProgram(words, Duration::Seconds(30));
  return done.ok() && done->code == 0;
}

bool WriteFile(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) > 0;
  if (fd >= 0) ::close(fd);
  return written;
}

bool LoopbackUp() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

bool Bind(const std::string& from, const std::string& to, unsigned long more = 0) {
  return ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND | more, nullptr) == 0;
}

bool Tmpfs(const std::string& at, const char* options, unsigned long flags = 0) {
  return ::mount("tmpfs", at.c_str(), "tmpfs", flags, options) == 0;
}

// In a child, whose answer is its exit status.
template <typename Work>
bool InChild(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

bool Try() {
  if (::unshare(kSpaces) != 0 || !LoopbackUp()) return false;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (!Tmpfs("/tmp", "size=1m")) return false;
  return Ip({"link", "add", "dmla", "type", "veth", "peer", "name", "dmlb"});
}

bool BuildRoot(const MachinePlan& plan, const std::string& root) {
  if (!Tmpfs(root, "size=256m,mode=755")) return false;
  for (const char* name : kSystem) {
    const std::string here = std::string("/") + name;
    const std::string there = root + here;
    std::error_code gone;
    if (fs::is_symlink(here, gone)) {
      fs::create_symlink(fs::read_symlink(here), there);
    } else if (fs::is_directory(here, gone)) {
      fs::create_directory(there);
      if (!Bind(here, there, MS_REC)) return false;
    }
  }
  for (const char* name : {"/run/sshd", "/tmp", "/root", "/home", "/var/tmp"}) {
    fs::create_directories(root + name);
  }
  ::chmod((root + "/tmp").c_str(), 01777);
  ::chmod((root + "/var/tmp").c_str(), 01777);
  fs::create_directories(root + plan.shared);
  bool built = Bind(plan.shared, root + plan.shared);
  for (const std::string& hidden : plan.hidden) built = built && Tmpfs(root + hidden, "size=4k");
  built = built && Bind(plan.folder + "/passwd", root + "/etc/passwd");
  return built && Bind(plan.folder + "/boot_id", root + kBootId);
}

bool BecomeMachine(const MachinePlan& plan, const std::string& address) {
  const std::string root = plan.folder + "/rootfs";
  fs::create_directories(root);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (!BuildRoot(plan, root)) return false;
  if (::sethostname(plan.name.c_str(), plan.name.size()) != 0) return false;
  const std::string old = root + "/tmp/old";
  fs::create_directory(old);
  if (::syscall(SYS_pivot_root, root.c_str(), old.c_str()) != 0 || ::chdir("/") != 0) return false;
  if (::umount2("/tmp/old", MNT_DETACH) != 0) return false;
  return LoopbackUp() && Ip({"addr", "add", address + "/30", "dev", "eth0"}) &&
         Ip({"link", "set", "eth0", "up"});
}

std::vector<pid_t> ProcessesOfNetwork(const std::string& network, pid_t but) {
  std::vector<pid_t> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc", gone)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == but) continue;
    std::error_code ended;
    const fs::path link = fs::read_symlink(entry.path() / "ns/net", ended);
    if (!ended && link.string() == network) found.push_back(pid);
  }
  return found;
}

void EndNetwork(const std::string& network, pid_t but) {
  // What is killed may have begun something in its last moment.
  for (auto left = ProcessesOfNetwork(network, but); !left.empty();
       left = ProcessesOfNetwork(network, but)) {
    for (const pid_t pid : left) ::kill(pid, SIGKILL);
    ::poll(nullptr, 0, 2);
  }
}

// A life of a holder, in a process of its own: `said` hears when each step is done, and `life` ends
// with whoever made the machine.
[[noreturn]] void Hold(const MachinePlan& plan, const std::string& address, int said, int life) {
  const int spare = kKeptFds + 2;
  said = ::fcntl(said, F_DUPFD_CLOEXEC, kKeptFds);
  life = ::fcntl(life, F_DUPFD_CLOEXEC, kKeptFds);
  ::close_range(kFirstSpareFd, kKeptFds - 1, 0);
  ::close_range(static_cast<unsigned>(spare), kLastFd, 0);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  char cable = 0;
  if (::unshare(kSpaces) != 0 || ::write(said, "u", 1) != 1) ::_exit(1);
  if (::read(life, &cable, 1) != 1) ::_exit(1);
  try {
    if (!BecomeMachine(plan, address) || ::write(said, "r", 1) != 1) ::_exit(1);
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::close(said);
  ::setsid();
  while (::read(life, &cable, 1) > 0) continue;
  std::error_code gone;
  EndNetwork(fs::read_symlink("/proc/self/ns/net", gone).string(), ::getpid());
  ::_exit(0);
}

bool Hears(int fd, char expected) {
  char heard = 0;
  return ::read(fd, &heard, 1) == 1 && heard == expected;
}

}  // namespace

bool Machine::Allowed() {
  static const bool allowed = [] {
    const char* wish = std::getenv("DML_TEST_HOSTS");
    if (wish != nullptr && std::string(wish) == "ports") return false;
    if (::geteuid() != 0 || !InChild(Try)) {
      std::fputs("no namespaces here: the servers are ports of this machine\n", stderr);
      return false;
    }
    return ::unshare(CLONE_NEWNET) == 0 && LoopbackUp();
  }();
  return allowed;
}

std::string Machine::Cable() const { return fmt::format("dml{}", number_); }
std::string Machine::address() const { return fmt::format("10.77.{}.2", number_); }

Machine::Machine(const MachinePlan& plan) : number_(plan.number) {
  int said[2];
  int life[2];
  if (::pipe2(said, O_CLOEXEC) != 0 || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, life)) {
    throw std::runtime_error("no pipe");
  }
  holder_ = ::fork();
  if (holder_ == 0) {
    // Its own end of the socket would keep it alive.
    ::close(life[0]);
    Hold(plan, address(), said[1], life[1]);
  }
  ::close(said[1]);
  ::close(life[1]);
  life_ = life[0];
  const bool linked = Hears(said[0], 'u') &&
                      Ip({"link", "add", Cable(), "type", "veth", "peer", "name", "eth0", "netns",
                          std::to_string(holder_)}) &&
                      Ip({"addr", "add", fmt::format("10.77.{}.1/30", number_), "dev", Cable()}) &&
                      Ip({"link", "set", Cable(), "up"}) && ::write(life_, "c", 1) == 1;
  const bool ready = linked && Hears(said[0], 'r');
  ::close(said[0]);
  if (!ready) throw std::runtime_error("the host " + plan.name + " does not come up");
}

Machine::~Machine() {
  ::close(life_);
  ::waitpid(holder_, nullptr, 0);
  // The kernel takes its time to remove a network that nobody is in.
  Ip({"link", "del", Cable()});
}

std::string Machine::Network() const {
  return fs::read_symlink(fmt::format("/proc/{}/ns/net", holder_)).string();
}

bool Machine::Enter() const {
  // A sanitizer may have given the child a thread of its own, which would share the root directory.
  if (::unshare(CLONE_FS) != 0) return false;
  for (const char* space : {"net", "uts", "ipc", "mnt"}) {
    const int fd =
        ::open(fmt::format("/proc/{}/ns/{}", holder_, space).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::setns(fd, 0) != 0) return false;
    ::close(fd);
  }
  return ::chdir("/") == 0;
}

std::string Machine::FromHere(const std::string& path) const {
  return fmt::format("/proc/{}/root{}", holder_, path);
}

std::vector<pid_t> Machine::Processes() const { return ProcessesOfNetwork(Network(), holder_); }

void Machine::EndProcesses() const { EndNetwork(Network(), holder_); }

void Machine::PullCable(bool pulled) const {
  if (!Ip({"link", "set", Cable(), pulled ? "down" : "up"})) throw std::runtime_error("the cable");
}

void Machine::Join() const {
  // Of the network that the writer is in.
  const bool forwards = WriteFile("/proc/sys/net/ipv4/ip_forward", "1");
  const bool routed = InChild([&] {
    return Enter() &&
           Ip({"route", "add", "10.77.0.0/16", "via", fmt::format("10.77.{}.1", number_)});
  });
  if (!forwards || !routed) throw std::runtime_error("no way to other hosts");
}

bool Machine::MountSmallDisk(const std::string& path, const std::string& size, bool noexec) const {
  const std::string options = "size=" + size;
  const unsigned long flags = noexec ? static_cast<unsigned long>(MS_NOEXEC) : 0;
  return InChild([&] { return Enter() && Tmpfs(path, options.c_str(), flags); });
}

}  // namespace dml::ssh
