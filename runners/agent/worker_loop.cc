#include "runners/agent/worker_loop.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <new>

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/files.h"
#include "base/memory_refused.h"
#include "base/redactor.h"
#include "runners/agent/attempt_record.h"
#include "runners/agent/input_guard.h"
#include "runners/agent/out_of_memory.h"
#include "runners/agent/record_file.h"
#include "runners/agent/strays.h"
#include "runners/agent/unnamed_log.h"
#include "runners/agent/worker_link.h"

namespace dml::agent {

namespace {

using runners::FrameType;

// Progress is for people: more than this is wasted on them.
constexpr Duration kProgressInterval = Duration::Millis(100);

class LinkMonitor final : public runners::TaskMonitor {
 public:
  LinkMonitor(WorkerLink& link, const runners::LaunchSpec& spec)
      : link_(link), spec_(spec), redactor_(spec.secrets) {}

  void Progress(double fraction, const std::string& note) override {
    const std::lock_guard lock(mutex_);
    const Instant now = clock_.Now();
    if (now - last_ < kProgressInterval) return;
    last_ = now;
    link_.Send(FrameType::kProgress,
               runners::EncodeProgress({spec_.key, fraction, redactor_(note)}));
  }

  // The file comes into being with its first line.
  void Log(const std::string& line) override {
    const std::lock_guard lock(mutex_);
    if (!log_.is_open()) {
      const std::string folder = spec_.log_path.substr(0, spec_.log_path.rfind('/'));
      if (!MakeDirectories(folder).ok()) return;
      log_.open(spec_.log_path, std::ios::app);
    }
    log_ << redactor_(line) << '\n' << std::flush;
  }

 private:
  WorkerLink& link_;
  const runners::LaunchSpec& spec_;
  const Redactor redactor_;
  const SystemClock clock_;
  std::mutex mutex_;
  Instant last_{-kProgressInterval.ns};
  std::ofstream log_;
};

// The processor time and peak memory of this process so far.
runners::ResourceUsage OwnUsage() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& time) {
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::int64_t>(time.tv_usec) * 1000;
  };
  return {{},
          {ns(usage.ru_utime) + ns(usage.ru_stime)},
          static_cast<std::int64_t>(usage.ru_maxrss) * 1024};
}

// Heap beyond the request fails to allocate; mapped files do not count.
void LimitHeap(std::int64_t bytes) {
  const rlimit limit{bytes > 0 ? static_cast<rlim_t>(bytes) : RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_DATA, &limit);
}

runners::ExitReason ReasonOf(Error error) {
  const int code = error.kind == ErrorKind::kInvalid       ? 2
                   : error.kind == ErrorKind::kEnvironment ? 3
                                                           : 1;
  return runners::ExitFailure{std::move(error), code};
}

runners::ExitReason Execute(const runners::LaunchSpec& spec, runners::TaskExecutor& executor,
                            runners::TaskMonitor& monitor, const std::stop_token& stop,
                            runners::AttemptExited& exited) {
  // The last line of defence: an exception of a library must cost the attempt, not the worker.
  try {
    auto outcome = executor.Execute(spec, monitor, stop);
    if (!outcome.ok()) return ReasonOf(std::move(outcome).error());
    exited.metrics = std::move(outcome->metrics);
    exited.warnings = std::move(outcome->warnings);
    return runners::ExitSuccess{};
  } catch (const MemoryRefused& refused) {
    return RefusedMemory(spec.memory_bytes, &refused);
  } catch (const std::bad_alloc&) {
    return RefusedMemory(spec.memory_bytes);
  } catch (const std::exception& error) {
    return ReasonOf(Error::Task(std::string("an unexpected failure: ") + error.what()));
  }
}

void RunNative(const runners::LaunchSpec& spec, runners::TaskExecutor& executor, WorkerLink& link,
               runners::AttemptExited& exited) {
  const SystemClock clock;
  const Instant start = clock.Now();
  const runners::ResourceUsage before = OwnUsage();
  LinkMonitor monitor(link, spec);
  if (spec.memory_bytes > 0) LimitHeap(spec.memory_bytes);
  exited.reason = Execute(spec, executor, monitor, link.stop(), exited);
  if (spec.memory_bytes > 0) LimitHeap(0);
  const bool killed = link.End();
  if (killed && !std::holds_alternative<runners::ExitSuccess>(exited.reason)) {
    exited.reason = runners::ExitKilled{};
  }
  exited.usage = OwnUsage();
  exited.usage.wall = clock.Now() - start;
  exited.usage.cpu = exited.usage.cpu - before.cpu;
}

// What this worker notes about its current attempt, if anybody wants it noted.
class Note {
 public:
  Note(const runners::LaunchSpec& spec, RecordWriter& writer)
      : path_(spec.record_path), writer_(writer) {
    if (path_.empty()) return;
    record_ = BeginRecord(spec);
    Write();
  }
  void Started(int command_pid) {
    if (path_.empty()) return;
    record_.command_pid = command_pid;
    record_.command_start = StartOf(command_pid).value_or(0);
    Write();
  }
  void Ended(const runners::AttemptExited& exited) {
    if (path_.empty()) return;
    record_.exited = exited;
    Write();
  }

 private:
  // A full disk costs the memory of this attempt, not the attempt.
  void Write() {
    record_.noted = SystemClock().Wall();
    static_cast<void>(writer_.Append(path_, record_));
  }

  const std::string& path_;
  RecordWriter& writer_;
  AttemptRecord record_;
};

// Of this process and what it starts, for as long as a command runs.
class FileMaskScope {
 public:
  explicit FileMaskScope(std::uint32_t mask) : before_(::umask(mask & 0777U)) {}
  ~FileMaskScope() { ::umask(before_); }
  FileMaskScope(const FileMaskScope&) = delete;
  FileMaskScope& operator=(const FileMaskScope&) = delete;

 private:
  mode_t before_;
};

// What one attempt leaves for the next one.
struct Kept {
  OutOfMemoryWatch memory;
  RecordWriter records;
  UnnamedLog log;
};

void RunCommand(const runners::LaunchSpec& spec, runners::TaskExecutor& executor, WorkerLink& link,
                Note& note, UnnamedLog& log, runners::AttemptExited& exited) {
  const FileMaskScope mask(std::get<runners::Command>(spec.work).umask);
  CommandRun run(&log);
  link.Attach(run);
  CommandEnd end = run.Run(
      spec, [&](int pid) { note.Started(pid); },
      [&](int pid) {
        link.Send(FrameType::kStarted, runners::EncodeStarted({spec.key, pid}));
      });
  link.End();
  exited.reason = std::move(end.reason);
  exited.usage = end.usage;
  exited.warnings = std::move(end.warnings);
  if (!std::holds_alternative<runners::ExitSuccess>(exited.reason)) return;
  const bool plain = std::ranges::all_of(
      spec.outputs, [](const PortSpec& port) { return port.kind == PortKind::kFile; });
  if (plain) return;
  try {
    auto checked = executor.CheckOutputs(spec);
    if (!checked.ok()) exited.reason = ReasonOf(std::move(checked).error());
  } catch (const std::exception& error) {
    exited.reason = ReasonOf(Error::Task(std::string("cannot check its outputs: ") + error.what()));
  }
}

// What a task says about its end may quote its secrets, and goes to the store from here.
void Redact(const std::vector<std::string>& secrets, runners::AttemptExited& exited) {
  const Redactor redactor(secrets);
  if (redactor.idle()) return;
  redactor.Redact(exited.metrics);
  for (std::string& warning : exited.warnings) warning = redactor(warning);
  if (auto* failure = std::get_if<runners::ExitFailure>(&exited.reason)) {
    for (std::string* text :
         {&failure->error.message, &failure->error.hint, &failure->error.where}) {
      *text = redactor(*text);
    }
  }
}

// A shell says of a program that was killed that it ended with 128 + the signal.
void NoteKernelKill(OutOfMemoryWatch& memory, runners::ExitReason& reason) {
  constexpr int kKilled = 128 + SIGKILL;
  auto* const signal = std::get_if<runners::ExitSignal>(&reason);
  auto* const failure = std::get_if<runners::ExitFailure>(&reason);
  const bool killed = (signal != nullptr && signal->signal == SIGKILL) ||
                      (failure != nullptr && failure->exit_code == kKilled);
  if (!killed || !memory.Struck()) return;
  if (signal != nullptr) signal->out_of_memory = true;
  if (failure == nullptr) return;
  failure->out_of_memory = true;
  failure->error.hint = "the kernel was out of memory: ask for more with resources: {memory: ...}";
}

// Whatever a task made of inputs that were changed under it is not to be kept.
void RunGuarded(const runners::LaunchSpec& spec, runners::TaskExecutor& executor, WorkerLink& link,
                Note& note, UnnamedLog& log, runners::AttemptExited& exited) {
  InputGuard guard(spec);
  if (auto wrong = guard.Before()) {
    link.End();
    exited.reason = ReasonOf(std::move(*wrong));
    return;
  }
  if (std::holds_alternative<runners::Command>(spec.work)) {
    RunCommand(spec, executor, link, note, log, exited);
  } else {
    RunNative(spec, executor, link, exited);
  }
  if (std::holds_alternative<runners::ExitFailure>(exited.reason)) {
    // Half of one content and half of another is no content that could be wrong.
    if (auto changed = guard.FindChanged()) exited.reason = ReasonOf(std::move(*changed));
  }
  if (!std::holds_alternative<runners::ExitSuccess>(exited.reason)) return;
  if (auto wrong = guard.After()) {
    const bool changed = wrong->kind == ErrorKind::kTask;
    exited.reason = ReasonOf(std::move(*wrong));
    if (changed) std::get<runners::ExitFailure>(exited.reason).exit_code = kChangedInputExit;
  }
}

std::string EncodeEnd(runners::AttemptExited exited) {
  std::string payload = runners::EncodeExited(exited);
  if (payload.size() <= runners::kFramePayloadMax) return payload;
  exited.metrics = Json::object();
  exited.warnings.clear();
  exited.reason = ReasonOf(Error::Task("its metrics and warnings are larger than 64 MiB"));
  return runners::EncodeExited(exited);
}

}  // namespace

int ServeWorker(int fd, runners::TaskExecutor& executor) {
  // A file that may not grow is an error of the write, not the end of the worker.
  ::signal(SIGXFSZ, SIG_IGN);
  // An allocation that fails in one of a step's threads cannot be caught outside of it.
  std::set_terminate([] {
    const std::exception_ptr current = std::current_exception();
    if (!current) ::abort();
    try {
      std::rethrow_exception(current);
    } catch (const std::bad_alloc&) {
      ::_exit(kOutOfMemoryExit);
    } catch (...) {
      ::abort();
    }
  });
  AdoptStrays();
  Kept kept;
  WorkerLink link(fd);
  link.Send(FrameType::kHello, std::to_string(runners::kProtocolVersion));
  while (const auto spec = link.Next()) {
    CrashPoint("worker.begins");
    Note note(*spec, kept.records);
    runners::AttemptExited exited;
    exited.key = spec->key;
    RunGuarded(*spec, executor, link, note, kept.log, exited);
    NoteKernelKill(kept.memory, exited.reason);
    Redact(spec->secrets, exited);
    // Before the next one begins: a step that brings the worker down must not take the word of
    // those before it along.
    CrashPoint("worker.done");
    note.Ended(exited);
    link.Send(FrameType::kExited, EncodeEnd(std::move(exited)));
  }
  return 0;
}

}  // namespace dml::agent
