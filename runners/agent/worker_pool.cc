#include "runners/agent/worker_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "runners/agent/orphans.h"
#include "runners/agent/spawn.h"
#include "runners/agent/strays.h"

namespace dml::agent {

namespace {

// How many attempts a worker holds at most: enough to hide the round trip, few enough to spread.
constexpr std::size_t kLineMax = 256;
// Most native steps end before anybody could read that they run: it is said of the others.
constexpr Duration kStartedAfter = Duration::Seconds(1);
// Whoever waits for longer than this behind another attempt may go to a free worker instead.
constexpr Duration kRecallAfter = Duration::Millis(20);
// Workers beyond the processors, for attempts that ask for less than one.
constexpr std::size_t kWorkersPerCpuMax = 8;
// The exit code of what cannot be launched as it stands.
constexpr int kUsage = 2;
constexpr std::size_t kReadBytes = 1U << 16;
// A worker that does not obey in this time after its grace period is killed itself.
constexpr Duration kObeyTime = Duration::Seconds(2);

}  // namespace

WorkerPool::WorkerPool(PoolOptions options, runners::EventSink& sink)
    : options_(std::move(options)),
      sink_(sink),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Serve(); }) {
  AdoptStrays();
}

WorkerPool::~WorkerPool() {
  Shutdown();
  ::close(wake_fd_);
}

namespace {

void Wake(int fd) {
  const std::uint64_t one = 1;
  const ssize_t written = ::write(fd, &one, sizeof one);
  DML_CHECK(written == sizeof one || errno == EAGAIN, "an event descriptor takes a count");
}

}  // namespace

void WorkerPool::Launch(std::vector<runners::LaunchSpec> batch) {
  {
    const std::lock_guard lock(known_mutex_);
    std::erase_if(batch, [this](const auto& spec) { return !known_.emplace(spec.key, 0).second; });
  }
  const std::lock_guard lock(mutex_);
  std::ranges::move(batch, std::back_inserter(arriving_));
  Wake(wake_fd_);
}

void WorkerPool::Kill(runners::AttemptKey key, runners::KillMode mode) {
  const std::lock_guard lock(mutex_);
  kills_.push_back({key, mode});
  Wake(wake_fd_);
}

runners::AttemptStatus WorkerPool::Find(runners::AttemptKey key) {
  const std::lock_guard lock(known_mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return runners::AttemptUnknown{};
  return runners::AttemptRunning{found->second};
}

void WorkerPool::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    Wake(wake_fd_);
  }
  if (thread_.joinable()) thread_.join();
}

void WorkerPool::Serve() {
  while (true) {
    TakeRequests();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    Assign();
    SayStarted();
    CheckDeadlines();
    PollOnce();
    std::erase_if(workers_, [](const auto& worker) { return worker->ended; });
  }
  EndAll();
}

void WorkerPool::TakeRequests() {
  std::vector<runners::KillRequest> kills;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::move(arriving_, std::back_inserter(backlog_));
    arriving_.clear();
    kills.swap(kills_);
  }
  for (const auto& request : kills) KillNow(request.key, request.mode);
}

void WorkerPool::KillNow(runners::AttemptKey key, runners::KillMode mode) {
  const auto waiting =
      std::ranges::find_if(backlog_, [&](const auto& spec) { return spec.key == key; });
  if (waiting != backlog_.end()) {
    backlog_.erase(waiting);
    return EndUnstarted(key);
  }
  for (auto& worker : workers_) {
    for (Running& running : worker->line) {
      if (running.spec.key != key) continue;
      running.kill_asked = true;
      const Duration patience = mode == runners::KillMode::kKill ? Duration{0} : running.spec.grace;
      running.deadline = clock_.Now() + patience + kObeyTime;
      const bool native = !std::holds_alternative<runners::Command>(running.spec.work);
      const bool runs = &running == &worker->line.front();
      if (mode == runners::KillMode::kKill && native && runs) {
        // A native step has nothing outside its worker to clean up.
        ::kill(worker->pid, SIGKILL);
        return;
      }
      runners::AppendFrame(runners::FrameType::kKill, runners::EncodeKill({key, mode}),
                           worker->unsent);
      return WriteTo(*worker);
    }
  }
}

double WorkerPool::CpusInUse() const {
  double cpus = 0;
  for (const auto& worker : workers_) {
    if (!worker->ended && !worker->line.empty()) cpus += worker->line.front().spec.cpus;
  }
  return cpus;
}

bool WorkerPool::TasksAreMany() const {
  const auto busy = std::ranges::count_if(
      workers_, [](const auto& worker) { return !worker->ended && !worker->line.empty(); });
  return options_.tasks > 0 && busy >= options_.tasks;
}

double WorkerPool::FreeCpus() const { return TasksAreMany() ? 0 : options_.cpus - CpusInUse(); }

// While processors are free an idle worker, if need be a new one; after that a place in a line.
WorkerPool::Worker* WorkerPool::WorkerFor(const runners::LaunchSpec& spec) {
  const double in_use = CpusInUse();
  // What asks for more than there is runs alone rather than never.
  const bool fits = (in_use + spec.cpus <= options_.cpus && !TasksAreMany()) || in_use <= 0;
  Worker* idle = fits ? IdleWorker() : nullptr;
  return idle != nullptr ? idle : ShortestLine(spec);
}

WorkerPool::Worker* WorkerPool::ShortestLine(const runners::LaunchSpec& spec) {
  Worker* shortest = nullptr;
  const Instant now = clock_.Now();
  for (auto& worker : workers_) {
    const auto& line = worker->line;
    if (worker->ended || line.empty() || line.size() >= kLineMax) continue;
    if (line.front().front_since + kRecallAfter <= now) continue;
    // It will run where the front one runs now, on no more processors than that.
    if (line.front().spec.cpus < spec.cpus) continue;
    if (shortest == nullptr || line.size() < shortest->line.size()) shortest = worker.get();
  }
  return shortest;
}

WorkerPool::Worker* WorkerPool::IdleWorker() {
  for (auto& worker : workers_) {
    if (!worker->ended && worker->line.empty()) return worker.get();
  }
  const auto most = static_cast<std::size_t>(std::ceil(options_.cpus)) * kWorkersPerCpuMax;
  if (workers_.size() >= most) return nullptr;
  auto spawned = SpawnWorker(options_.worker_argv, options_.worker_env);
  if (!spawned.ok()) {
    if (!workers_.empty()) return nullptr;
    for (const auto& spec : backlog_) {
      Forget(spec.key);
      sink_.Post(runners::AttemptLost{spec.key, spawned.error()});
    }
    backlog_.clear();
    return nullptr;
  }
  auto worker = std::make_unique<Worker>();
  worker->pid = spawned->pid;
  worker->fd = spawned->fd;
  workers_.push_back(std::move(worker));
  return workers_.back().get();
}

void WorkerPool::Assign() {
  while (!backlog_.empty()) {
    Worker* worker = WorkerFor(backlog_.front());
    if (worker == nullptr) break;
    Hand(*worker, std::move(backlog_.front()));
    backlog_.pop_front();
  }
  if (backlog_.empty()) RecallWaiting();
  for (auto& worker : workers_) {
    if (!worker->ended && !worker->unsent.empty()) WriteTo(*worker);
  }
}

void WorkerPool::Hand(Worker& worker, runners::LaunchSpec spec) {
  const std::string payload = runners::EncodeLaunch(spec);
  if (payload.size() > runners::kFramePayloadMax) return Refuse(spec.key);
  {
    const std::lock_guard lock(known_mutex_);
    known_[spec.key] = worker.pid;
  }
  runners::AppendFrame(runners::FrameType::kLaunch, payload, worker.unsent);
  Running running;
  running.spec = std::move(spec);
  worker.line.push_back(std::move(running));
  if (worker.line.size() == 1) BringForward(worker);
}

void WorkerPool::Refuse(const runners::AttemptKey& key) {
  Forget(key);
  runners::AttemptExited exited;
  exited.key = key;
  exited.reason = runners::ExitFailure{
      Error::Invalid("its parameters, arguments and environment are larger than 64 MiB",
                     "write large values into a file and pass its path"),
      kUsage};
  sink_.Post(std::move(exited));
}

// The attempt at the front may be running from now on. Commands mind their own timeout in the
// worker; the deadline is the alarm for native steps, and the last resort for both.
void WorkerPool::BringForward(Worker& worker) {
  if (worker.line.empty()) return;
  Running& front = worker.line.front();
  front.front_since = clock_.Now();
  if (front.spec.timeout.ns == 0 || front.deadline) return;
  const bool command = std::holds_alternative<runners::Command>(front.spec.work);
  const Duration slack = command ? front.spec.grace + kObeyTime : Duration{0};
  front.deadline = front.front_since + front.spec.timeout + slack;
}

bool WorkerPool::MayRecall(const Running& waiting, double free) {
  return !waiting.recalled && !waiting.kill_asked && waiting.spec.cpus <= free;
}

// Processors are free and nobody waits for them here: asks for what waits behind a long attempt.
void WorkerPool::RecallWaiting() {
  const double free = FreeCpus();
  const Instant now = clock_.Now();
  for (auto& worker : workers_) {
    auto& line = worker->line;
    if (worker->ended || line.size() < 2 || line.front().front_since + kRecallAfter > now) continue;
    for (std::size_t i = 1; i < line.size(); ++i) {
      if (!MayRecall(line[i], free)) continue;
      line[i].recalled = true;
      runners::AppendFrame(runners::FrameType::kRecall, runners::EncodeKey(line[i].spec.key),
                           worker->unsent);
    }
  }
}

// The worker had not begun with it, and now will not; even if it stands at the front by now, since
// the one before it has ended meanwhile.
void WorkerPool::Returned(Worker& worker, const runners::AttemptKey& key) {
  const auto running = FindIn(worker, key);
  if (running == worker.line.end()) return;
  const bool was_front = running == worker.line.begin();
  const bool killed = running->kill_asked;
  runners::LaunchSpec spec = std::move(running->spec);
  worker.line.erase(running);
  if (was_front) BringForward(worker);
  if (killed) return EndUnstarted(key);
  backlog_.push_back(std::move(spec));
}

std::deque<WorkerPool::Running>::iterator WorkerPool::FindIn(Worker& worker,
                                                             const runners::AttemptKey& key) {
  return std::ranges::find_if(worker.line, [&](const Running& one) { return one.spec.key == key; });
}

void WorkerPool::EndUnstarted(const runners::AttemptKey& key) {
  Forget(key);
  runners::AttemptExited exited;
  exited.key = key;
  exited.reason = runners::ExitKilled{};
  sink_.Post(std::move(exited));
}

// Commands say it themselves. What was asked back may be another worker's by now.
bool WorkerPool::OwesStarted(const Running& front) {
  return !front.said_started && !front.recalled &&
         !std::holds_alternative<runners::Command>(front.spec.work);
}

void WorkerPool::SayStarted() {
  const Instant now = clock_.Now();
  for (const auto& worker : workers_) {
    if (worker->ended || worker->line.empty()) continue;
    Running& front = worker->line.front();
    if (!OwesStarted(front) || front.front_since + kStartedAfter > now) continue;
    front.said_started = true;
    sink_.Post(runners::AttemptStarted{front.spec.key, worker->pid});
  }
}

void WorkerPool::CheckDeadlines() {
  const Instant now = clock_.Now();
  for (auto& worker : workers_) {
    if (worker->ended || worker->line.empty()) continue;
    Running& front = worker->line.front();
    if (!front.deadline || *front.deadline > now) continue;
    if (!front.timed_out && !front.kill_asked) {
      front.timed_out = true;
      front.deadline = now + front.spec.grace + kObeyTime;
      runners::AppendFrame(runners::FrameType::kKill,
                           runners::EncodeKill({front.spec.key, runners::KillMode::kTerminate}),
                           worker->unsent);
      WriteTo(*worker);
    } else {
      ::kill(worker->pid, SIGKILL);
      front.deadline = now + kObeyTime;
    }
  }
}

int WorkerPool::PollTimeoutMs() const {
  std::int64_t least = -1;
  const double free = FreeCpus();
  const auto wake_at = [&](Instant when) {
    const auto left = std::max<std::int64_t>(0, (when - clock_.Now()).ns) / 1'000'000 + 1;
    least = least < 0 ? left : std::min(least, left);
  };
  for (const auto& worker : workers_) {
    if (worker->line.empty()) continue;
    const Running& front = worker->line.front();
    if (front.deadline) wake_at(*front.deadline);
    if (OwesStarted(front)) wake_at(front.front_since + kStartedAfter);
    if (backlog_.empty() && worker->line.size() > 1 && MayRecall(worker->line.back(), free)) {
      wake_at(front.front_since + kRecallAfter);
    }
  }
  return static_cast<int>(std::min<std::int64_t>(least, 60'000));
}

void WorkerPool::PollOnce() {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  for (const auto& worker : workers_) {
    const short events = static_cast<short>(POLLIN | (worker->unsent.empty() ? 0 : POLLOUT));
    fds.push_back({worker->fd, events, 0});
  }
  if (::poll(fds.data(), fds.size(), PollTimeoutMs()) <= 0) return;
  std::uint64_t count = 0;
  if ((fds[0].revents & POLLIN) != 0 && ::read(wake_fd_, &count, sizeof count) < 0) count = 0;
  for (std::size_t i = 1; i < fds.size(); ++i) {
    Worker& worker = *workers_[i - 1];
    if ((fds[i].revents & POLLOUT) != 0) WriteTo(worker);
    if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) ReadFrom(worker);
  }
}

void WorkerPool::WriteTo(Worker& worker) {
  while (!worker.unsent.empty()) {
    const ssize_t sent =
        ::send(worker.fd, worker.unsent.data(), worker.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // full: poll tells when to go on; broken: reading tells
    worker.unsent.erase(0, static_cast<std::size_t>(sent));
  }
}

void WorkerPool::ReadFrom(Worker& worker) {
  char block[kReadBytes];
  const ssize_t got = ::recv(worker.fd, block, sizeof block, MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) return Died(worker);
  worker.decoder.Feed({block, static_cast<std::size_t>(got)});
  while (!worker.ended) {
    auto frame = worker.decoder.Next();
    if (!frame.ok()) return Died(worker);
    if (!*frame) return;
    Handle(worker, **frame);
  }
}

void WorkerPool::Handle(Worker& worker, const runners::Frame& frame) {
  if (frame.type == runners::FrameType::kExited) {
    if (auto event = runners::DecodeExited(frame.payload); event.ok()) {
      return Exited(worker, std::move(event).value());
    }
    return Died(worker);
  }
  if (frame.type == runners::FrameType::kProgress) {
    if (auto event = runners::DecodeProgress(frame.payload); event.ok()) {
      sink_.Post(std::move(event).value());
    }
  } else if (frame.type == runners::FrameType::kReturned) {
    if (auto key = runners::DecodeKey(frame.payload); key.ok()) Returned(worker, *key);
  } else if (frame.type == runners::FrameType::kStarted) {
    auto event = runners::DecodeStarted(frame.payload);
    if (!event.ok()) return;
    const auto running = FindIn(worker, event->key);
    if (running == worker.line.end()) return;
    running->command_pid = event->pid;
    sink_.Post(std::move(event).value());
  }
}

void WorkerPool::Exited(Worker& worker, runners::AttemptExited exited) {
  const auto running = FindIn(worker, exited.key);
  if (running == worker.line.end()) return;
  const bool stopped = !std::holds_alternative<runners::ExitSuccess>(exited.reason);
  if (running->timed_out && stopped) exited.reason = runners::ExitTimeout{};
  const bool was_front = running == worker.line.begin();
  worker.line.erase(running);
  Forget(exited.key);
  if (was_front) BringForward(worker);
  sink_.Post(std::move(exited));
}

// Whatever ended the worker ended the attempt at the front of its line, and no other.
void WorkerPool::Died(Worker& worker) {
  if (worker.ended) return;
  worker.ended = true;
  ::close(worker.fd);
  ::kill(worker.pid, SIGKILL);
  int status = 0;
  while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (worker.line.empty()) return;
  const Running front = std::move(worker.line.front());
  worker.line.pop_front();
  if (front.command_pid > 0) ::kill(-front.command_pid, SIGKILL);
  // Of one that has not lasted yet nobody has heard.
  if (std::holds_alternative<runners::Command>(front.spec.work)) BuryStrays({worker.pid});
  while (!worker.line.empty()) {
    Running& waiting = worker.line.back();
    if (waiting.kill_asked) {  // and the worker may not have read it
      EndUnstarted(waiting.spec.key);
    } else {
      backlog_.push_front(std::move(waiting.spec));
    }
    worker.line.pop_back();
  }
  runners::AttemptExited exited;
  exited.key = front.spec.key;
  Forget(front.spec.key);
  if (front.timed_out) {
    exited.reason = runners::ExitTimeout{};
  } else if (front.kill_asked) {
    exited.reason = runners::ExitKilled{};
  } else if (WIFSIGNALED(status)) {
    const bool killed = WTERMSIG(status) == SIGKILL;
    const bool out_of_memory = killed && memory_.Struck();
    if (killed && !out_of_memory) {
      // A step ends itself in other ways: somebody outside did that.
      const Error error = Error::Environment("its worker process was killed");
      return sink_.Post(runners::AttemptLost{front.spec.key, error});
    }
    exited.reason = runners::ExitSignal{WTERMSIG(status), out_of_memory};
  } else if (WEXITSTATUS(status) == kOutOfMemoryExit) {
    exited.reason = RefusedMemory(front.spec.memory_bytes);
  } else {
    const Error error = Error::Environment("the worker process ended unexpectedly");
    return sink_.Post(runners::AttemptLost{front.spec.key, error});
  }
  sink_.Post(std::move(exited));
}

// What a dead worker had started or adopted, this process has adopted: it is in the worker's
// session, or carries the mark. Others may be starting processes of their own meanwhile: these are
// and do neither.
void WorkerPool::BuryStrays(const std::vector<int>& dead_workers) {
  EndStrays([&](int pid) {
    if (std::ranges::find(dead_workers, ::getsid(pid)) != dead_workers.end()) return true;
    const bool ours =
        std::ranges::any_of(workers_, [pid](const auto& one) { return one->pid == pid; });
    return !ours && IsMarked(pid);
  });
}

void WorkerPool::Forget(const runners::AttemptKey& key) {
  const std::lock_guard lock(known_mutex_);
  known_.erase(key);
}

void WorkerPool::EndAll() {
  std::vector<int> dead;
  for (auto& worker : workers_) {
    dead.push_back(worker->pid);
    for (const Running& running : worker->line) {
      if (running.command_pid > 0) ::kill(-running.command_pid, SIGKILL);
    }
    // A worker in the middle of a task exits at once when its connection closes; one that cannot
    // is killed.
    if (!worker->line.empty()) ::kill(worker->pid, SIGKILL);
    ::close(worker->fd);
    while (::waitpid(worker->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  workers_.clear();
  BuryStrays(dead);
}

}  // namespace dml::agent
