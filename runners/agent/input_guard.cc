#include "runners/agent/input_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/file_stamp.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/sealed_file.h"

namespace dml::agent {

namespace {

constexpr char kHint[] =
    "inputs are links to the only copy: change a copy (cp --no-preserve=mode INPUT MINE); if this "
    "step changes nothing, another that reads the same does";

bool IsSealed(const struct statx& info) {
  return IsSealTime(info.stx_mtime.tv_sec, info.stx_mtime.tv_nsec);
}

}  // namespace

InputGuard::Look InputGuard::LookAt(const ArtifactFile& file) const {
  struct statx info {};
  const unsigned wanted = STATX_BASIC_STATS | STATX_BTIME;
  if (::statx(AT_FDCWD, file.path.c_str(), AT_STATX_SYNC_AS_STAT, wanted, &info) != 0) {
    return {errno == ENOENT ? State::kGone : State::kGood, {}};  // who reads it hears why not
  }
  Look look;
  look.identity.inode = info.stx_ino;
  look.identity.born_ns =
      static_cast<std::int64_t>(info.stx_btime.tv_sec) * 1'000'000'000 + info.stx_btime.tv_nsec;
  if (file.digest == Digest()) return look;  // outside of any store
  if (static_cast<std::int64_t>(info.stx_size) != file.size) {
    look.state = State::kDamaged;
  } else if (!IsSealed(info)) {
    // Of an earlier version of dml, copied without its times, or written to.
    const auto found = HashFile(file.path);
    if (found.ok() && *found != file.digest) {
      look.state = State::kDamaged;
    } else if (found.ok()) {
      Seal(file.path);
    }
  }
  return look;
}

// Into the attempt's folder, which is on the same disk, or nearly always: else it goes at once.
void InputGuard::PutAside(const ArtifactFile& file) const {
  const std::string folder = spec_.attempt_dir + "/" + kDamagedFolder;
  const std::string target = folder + "/" + file.digest.Hex();
  const bool moved =
      MakeDirectories(folder).ok() && ::rename(file.path.c_str(), target.c_str()) == 0;
  if (!moved) ::unlink(file.path.c_str());
}

// Another attempt is made of what is there then.
std::optional<Error> InputGuard::FindChanged() const {
  for (const runners::FileSet& set : spec_.files) {
    if (!set.in_place) continue;
    for (std::size_t i = 0; i < set.files.size(); ++i) {
      const auto stamp = StampOf(set.files[i].path);
      if (stamp.ok() && i < set.in_place->stamps.size() && *stamp == set.in_place->stamps[i]) {
        continue;
      }
      return Error::Environment(
          fmt::format("the file '{}' of {} changed while the task was under way", set.files[i].name,
                      set.in_place->node),
          "it reads what is there now; a file that goes on changing has to be copied first");
    }
  }
  return std::nullopt;
}

std::optional<Error> InputGuard::Before() {
  std::optional<Error> error = FindChanged();
  for (const Artifact& input : spec_.inputs) {
    for (const ArtifactFile& file : input.files) {
      const Look look = LookAt(file);
      before_.push_back(look.identity);
      if (look.state == State::kGood) continue;
      if (look.state == State::kDamaged) PutAside(file);
      if (error) continue;  // but whatever is damaged goes
      error = Error::Environment(
          look.state == State::kGone
              ? fmt::format("the input '{}' is not there: '{}' is gone from the store", input.port,
                            file.name)
              : fmt::format("the input '{}' is damaged: somebody has written to '{}' in the store",
                            input.port, file.name),
          look.state == State::kGone ? "" : kHint);
    }
  }
  return error;
}

std::optional<Error> InputGuard::After() const {
  std::optional<Error> error = FindChanged();
  std::size_t at = 0;
  for (const Artifact& input : spec_.inputs) {
    for (const ArtifactFile& file : input.files) {
      const Look look = LookAt(file);
      const bool same = look.identity == before_[at++];
      if (look.state == State::kDamaged) {
        PutAside(file);
        error = Error::Task(fmt::format("the input '{}' was changed while the task ran: '{}' is "
                                        "not what was stored",
                                        input.port, file.name),
                            kHint);
      } else if (!same && !error) {
        error = Error::Environment(
            fmt::format("the input '{}' was taken away while the task ran", input.port));
      }
    }
  }
  return error;
}

}  // namespace dml::agent
