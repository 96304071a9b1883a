#pragma once

#include <map>
#include <string>

namespace dml::state {

// How often each path was synced by this process, files and folders alike. A test that links this
// has fsync() and fdatasync() replaced, also for the libraries: they only take note. Not
// thread-safe.
std::map<std::string, int>& RecordedSyncs();

}  // namespace dml::state
