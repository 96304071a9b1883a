#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_stamp.h"
#include "base/hash.h"
#include "base/result.h"
#include "orchestrator/state/run_store.h"

namespace dml::engine {

// The content hashes of files that tasks read, known without reading where the file's stamp
// (device, inode, size, times) is that of the last hashing. A file changed within the last two
// seconds is not remembered: a second change might leave the same stamp.
class FileDigests {
 public:
  FileDigests(state::RunStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  // A state of a file.
  struct Known {
    FileStamp stamp;
    Digest digest;
  };
  // What the file is; nothing if it is so large that it should be hashed elsewhere and handed to
  // Learn(). kInvalid if there is no such file.
  Result<std::optional<Known>> Find(const std::string& path);
  // Takes in a digest computed elsewhere, unless the file was seen to change meanwhile.
  void Learn(const std::string& path, const Digest& digest);
  // Find, hashing here and now whatever the size.
  Result<Digest> Get(const std::string& path);

  // Whether a file no longer has the stamp that it was found with, or is gone. If so the next Find
  // gives what is there now.
  bool HasChanged(const std::string& path, const FileStamp& found);

  // New entries for the store since the last call.
  [[nodiscard]] std::vector<state::FileEntry> TakeNew();

 private:
  struct Entry {
    FileStamp stamp;
    std::optional<Digest> digest;
  };
  state::RunStore& store_;
  const Clock& clock_;
  std::map<std::string, Entry> known_;  // one look at a file per run: a run sees one version of it
  std::vector<state::FileEntry> new_;
};

}  // namespace dml::engine
