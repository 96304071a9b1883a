#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"

namespace dml::runners {

// A regular file of a node, as it was when it was looked at.
struct RemoteFile {
  std::string name;  // for people: as the pattern has it
  std::string path;  // absolute, without "." and ".."
  FileStamp stamp;
  Digest digest;
};

// What is there at `pattern`, a path or glob: absolute, or from the home folder of the account.
// `run` and `task` are who asks, for whoever wants to know what the task waits for.
struct LookRequest {
  RunId run;
  TaskId task;
  std::string node;
  std::string pattern;
};

// The files, at least one, sorted by path. kInvalid: there are none, or they are no files;
// kEnvironment: nobody can tell, for the node is gone, or its disk fails.
struct FilesLooked {
  std::string node;
  std::string pattern;
  Result<std::vector<RemoteFile>> files;
};

// Looks at files that only nodes have. Called from the run loop, which never waits: each request
// has one answer in the runner's sink, which may take as long as the node is away. What is not
// answered when the runner is shut down stays so.
class RemoteFiles {
 public:
  virtual ~RemoteFiles() = default;
  virtual void Look(LookRequest request) = 0;
};

}  // namespace dml::runners
