#include "cli/inspect/follow_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/file_descriptor.h"
#include "orchestrator/engine/run_owner.h"

namespace dml::cli {

namespace {

constexpr int kPollMs = 200;

// A log that may not be there yet.
class GrowingLog {
 public:
  explicit GrowingLog(std::string path) : path_(std::move(path)) {}

  // What has come since the last time; logs are bytes of the user's programs and are passed on as
  // they are. False if nothing has.
  Result<bool> CopyNew(const Output& output) {
    if (file_.get() < 0) file_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (file_.get() < 0 && errno == ENOENT) return false;
    if (file_.get() < 0) return Error::System("cannot open '" + path_ + "'", errno);
    std::array<char, 65536> buffer{};
    bool any = false;
    for (;;) {
      const ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
      if (got == 0) return any;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error::System("cannot read '" + path_ + "'", errno);
      output.Print({buffer.data(), static_cast<std::size_t>(got)});
      any = true;
    }
  }

 private:
  std::string path_;
  FileDescriptor file_;
};

// Whether more may come: not of a task that has ended, nor of one whose run is dead.
bool GoesOn(const std::string& home, RunId run, core::TaskState state) {
  return !core::IsFinal(state) && engine::OwnerOfRun(home, run).has_value();
}

}  // namespace

Result<bool> CopyLog(const std::string& path, const Output& output) {
  return GrowingLog(path).CopyNew(output);
}

Result<bool> FollowLog(state::RunView& view, const LogOwner& owner,
                       std::optional<AttemptNumber> only, const std::string& home,
                       const Output& output) {
  const std::string& name = owner.task.name;
  AttemptNumber attempt = only.value_or(owner.task.attempt);
  attempt.value = std::max(attempt.value, 1U);
  GrowingLog log(view.LogPath(owner.run, name, attempt));
  bool any = false;
  bool said_waiting = false;
  while (true) {
    // Looked up before the copy: what was written before the end is copied after it.
    DML_TRY(const state::TaskNow now, view.Now(owner.run, owner.task.id));
    const bool goes_on = GoesOn(home, owner.run, now.state);
    DML_TRY(const bool more, log.CopyNew(output));
    any |= more;
    const bool next = now.attempt.value > attempt.value;
    if (!goes_on && now.attempt.value == 0) return DidNotRun(owner.run, name, now.reason);
    if ((next && only) || (!next && !goes_on)) return any;
    if (next) {
      ++attempt.value;
      output.Note(fmt::format("attempt {} of '{}'", attempt.value, name));
      log = GrowingLog(view.LogPath(owner.run, name, attempt));
      continue;
    }
    if (now.attempt.value < attempt.value && !std::exchange(said_waiting, true)) {
      output.Note(fmt::format("waiting for attempt {} of '{}'", attempt.value, name));
    }
    ::poll(nullptr, 0, kPollMs);
  }
}

Error DidNotRun(RunId run, const std::string& task, const std::string& reason) {
  const std::string why = reason.empty() ? "the run ended before" : reason;
  return Error::Invalid(fmt::format("'{}' did not run in r{}: {}", task, run.value, why),
                        "name a run in which it did: `dml logs TASK --run r1`");
}

}  // namespace dml::cli
