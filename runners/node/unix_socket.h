#pragma once

#include <string>

#include "base/result.h"

namespace dml::node {

// Stream sockets in the file system, close-on-exec. They are reached through a descriptor of their
// folder, so that the limit of about 100 characters for their paths does not matter.

// A listening socket at <folder>/<name>, replacing a dead one.
Result<int> ListenAt(const std::string& folder, const std::string& name);
// A connection to it. kEnvironment if nobody listens.
Result<int> ConnectTo(const std::string& folder, const std::string& name);
// The next connection from a process of the same user; -1 if there is none. Others are turned away.
int AcceptOwn(int listener);

// Creates <folder> with mode 0700. Refuses one that belongs to somebody else, or that others may
// enter, read or write.
Result<void> MakePrivateFolder(const std::string& folder);
// Whether it would refuse the folder, which is there.
Result<void> CheckPrivateFolder(const std::string& folder);

}  // namespace dml::node
