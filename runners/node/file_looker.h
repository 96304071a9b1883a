#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runners/api/remote_files.h"
#include "runners/node/wire.h"

namespace dml::node {

// Where relative names of files start on a node: the home folder of the account, as for ssh.
[[nodiscard]] std::string LoginHome();

// The files that a path or glob names, as absolute plain paths, sorted; relative ones start at
// `base`. kInvalid if there are none. Whether they can be read is not looked at.
Result<std::vector<std::string>> ExpandFrom(const std::string& base, const std::string& pattern);

// The digests of files that were hashed before, by path and stamp, so that an unchanged file is
// not read again. Kept in a file, for the next agent; a file that was changed within the last two
// seconds is not remembered, for a second change might leave the same stamp. Single-threaded.
class KnownDigests {
 public:
  // An empty `file`: nothing is kept.
  explicit KnownDigests(std::string file);

  [[nodiscard]] const Digest* Find(const std::string& path, const FileStamp& stamp) const;
  void Learn(const std::string& path, const FileStamp& stamp, const Digest& digest, WallTime now);
  // Writes down what is new. A file that cannot be written costs the next agent a hash.
  void Save();

  static constexpr std::size_t kMax = 20'000;  // of more, nothing is remembered but the newest

 private:
  struct Entry {
    FileStamp stamp;
    Digest digest;
  };
  const std::string file_;
  std::map<std::string, Entry> entries_;
  bool changed_ = false;
};

// Looks at the files of the node that heads ask about, in a thread of its own, in order: it opens
// regular files that were asked for by name, and nothing else.
class FileLooker {
 public:
  // `done` is called from the thread, with the number of the asker.
  FileLooker(const std::string& base, std::string memory,
             std::function<void(std::uint64_t asker, Looked looked)> done);
  ~FileLooker();
  FileLooker(const FileLooker&) = delete;
  FileLooker& operator=(const FileLooker&) = delete;

  void Add(std::uint64_t asker, Look look);
  // Nobody waits for the answers any more; a hash under way ends within a block.
  void Cancel(std::uint64_t asker);

 private:
  struct Job {
    std::uint64_t asker = 0;
    Look look;
  };

  void Work();
  Looked Answer(const Look& look, const std::stop_token& stop);
  Result<std::vector<runners::RemoteFile>> Files(const std::string& pattern,
                                                 const std::stop_token& stop);
  Result<void> Hash(runners::RemoteFile& file, const std::stop_token& stop);

  const std::string base_;
  const std::function<void(std::uint64_t, Looked)> done_;
  const SystemClock clock_;
  KnownDigests known_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;     // guarded by mutex_
  bool closing_ = false;     // guarded by mutex_
  std::uint64_t asker_ = 0;  // guarded by mutex_: of the look under way
  std::stop_source stop_;    // guarded by mutex_: of that
  std::jthread thread_;
};

}  // namespace dml::node
