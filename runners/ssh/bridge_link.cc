#include "runners/ssh/bridge_link.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "base/hash.h"
#include "runners/ssh/bridge_greeting.h"

namespace dml::ssh {

namespace {

constexpr int kDoublingsMax = 16;
// Of one read: the words of a bridge are shorter.
constexpr std::size_t kGreetingReadBytes = 512;
constexpr int kSocketBytes = 4 << 20;

}  // namespace

Result<WorkerProgram> FindWorkerProgram() {
  WorkerProgram worker;
  std::error_code error;
  if (const char* path = std::getenv("DML_WORKER"); path != nullptr && *path != '\0') {
    worker.path = path;
  } else {
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    worker.path = (self.parent_path() / "dml-worker").string();
  }
  if (!std::filesystem::exists(worker.path, error)) {
    return Error::Environment("the worker program '" + worker.path + "' is not there",
                              "build the target dml-worker, or name it with DML_WORKER");
  }
  DML_TRY(const Digest digest, HashFile(worker.path));
  worker.sha256 = digest.Hex();
  return worker;
}

std::string RemoteWorkerPath(const Host& host, const WorkerProgram& worker) {
  return host.workdir + "/bin/dml-worker-" + worker.sha256.substr(0, 12);
}

// The whole command line: nothing in it comes from a pipeline.
std::string BridgeCommand(const Host& host, const WorkerProgram& worker) {
  std::string command =
      fmt::format("{} bridge --root {} --lease {}", RemoteWorkerPath(host, worker), host.workdir,
                  host.lease.ns / 1'000'000'000);
  if (CoresOf(host) > 0) command += fmt::format(" --cpus {}", static_cast<int>(CoresOf(host)));
  if (host.cpus > 0 && host.slots > 0) {
    command += fmt::format(" --slots {}", static_cast<int>(host.slots));
  }
  if (host.memory_bytes > 0) command += fmt::format(" --memory {}", host.memory_bytes);
  return command;
}

Error NoAnswer(const std::string& said, bool late) {
  return Error::Environment(
      fmt::format("no answer from the worker program{}; instead: '{}'", late ? " in time" : "",
                  Quoted(said)),
      std::string("let the login shell of that user (.bashrc, .profile) print nothing, wait for "
                  "nothing and exit for nothing where it is not interactive") +
          (late && said.empty() ? "; if the machine is only busy, give it more time with "
                                  "connect_timeout: in the inventory"
                                : ""));
}

Result<void> StartBridge(SshSession& session, const Host& host, const WorkerProgram& worker,
                         Duration limit) {
  DML_RETURN_IF_ERROR(session.Exec("exec " + BridgeCommand(host, worker)));
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  BridgeGreeting greeting(worker.sha256);
  while (true) {
    const auto more = session.Read(kGreetingReadBytes, Duration::Millis(200));
    DML_TRY(const bool ready, greeting.Hear(more.ok() ? std::string_view(*more) : ""));
    if (ready) return {};
    const bool late = clock.Now() > deadline || greeting.too_long();
    if (more.ok() && !late) continue;
    const std::string& text = greeting.said();
    std::string said = text.empty() ? session.said() : text;
    const int status = session.ExitStatus(Duration::Millis(500));
    if (session.said().empty() && text.empty()) said = more.ok() ? "" : more.error().message;
    if (status == 127 || status == 126) {
      return Error::Environment("the worker program is not there", "run `dml cluster setup`");
    }
    return NoAnswer(said, late);
  }
}

BridgeLink::BridgeLink(Host host, WorkerProgram worker, LinkOptions options,
                       std::function<void(LinkEvent)> report)
    : host_(std::move(host)),
      worker_(std::move(worker)),
      options_(options),
      report_(std::move(report)),
      thread_([this] { Work(); }) {}

BridgeLink::~BridgeLink() { Stop(); }

void BridgeLink::Stop() {
  stop_ = true;
  const std::lock_guard lock(mutex_);
  stopped_.notify_all();
}

void BridgeLink::Work() {
  KeepConnected();
  over_ = true;
}

void BridgeLink::KeepConnected() {
  bool ever_up = false;
  int failures = 0;
  while (!stop_) {
    bool came_up = false;
    bool heals = true;
    auto ended = ConnectAndCarry(came_up, heals);
    ever_up |= came_up;
    failures = came_up ? 0 : failures + 1;
    if (stop_) return;
    const bool final = !ever_up && !heals;
    report_(LinkDown{ended.ok() ? Error::Environment("closed") : ended.error(), final, !heals});
    if (final) return;
    Pause(failures);
  }
}

Result<void> BridgeLink::ConnectAndCarry(bool& came_up, bool& heals) {
  Stage reached = Stage::kReach;
  auto session = SshSession::Open(host_, {options_.connect_timeout, {}, &stop_}, reached);
  // A machine that does not answer may come back; one that refuses us will not change its mind.
  heals = reached == Stage::kReach;
  if (!session.ok()) return session.error();
  DML_RETURN_IF_ERROR(StartBridge(**session, host_, worker_, options_.bridge_timeout));
  heals = true;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::System("cannot make a socket", errno);
  }
  // As much as the system allows: so neither thread waits for the other at every block.
  ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &kSocketBytes, sizeof kSocketBytes);
  came_up = true;
  report_(LinkUp{ends[0]});
  Error why = (*session)->Carry(ends[1], [this] { return !stop_.load(); });
  ::close(ends[1]);
  return why;
}

// The factor keeps many nodes, and many heads, from knocking at the same instant.
void BridgeLink::Pause(int failures) {
  const std::int64_t doubled = options_.backoff.ns << std::min(failures, kDoublingsMax);
  const std::int64_t longest = std::min(doubled, options_.backoff_max.ns);
  const SystemClock clock;
  const Digest draw = Sha256::Of(fmt::format("{} {}", host_.name, clock.Now().ns));
  const std::int64_t share = 512 + draw.bytes[0] + 255 - draw.bytes[1];
  std::unique_lock lock(mutex_);
  stopped_.wait_for(lock, std::chrono::nanoseconds(longest / 1024 * share),
                    [this] { return stop_.load(); });
}

}  // namespace dml::ssh
