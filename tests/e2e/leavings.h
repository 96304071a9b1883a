#pragma once

#include <set>
#include <string>
#include <vector>

namespace dml::e2e {

// What a home holds after a run, for tests that kill things.

// The names of the files in the store; a name is the SHA-256 of the content.
std::set<std::string> BlobsOf(const std::string& home);

// The processes that belong to a home whose dml has ended, one line each. Waits for them to end: an
// idle worker needs a moment to see that its head is dead.
std::vector<std::string> LivingOf(const std::string& home);

// Everything that should not be there once a run has ended: files whose content is not what their
// name says, temporary files, folders of attempts, processes that belong to the home, and a log
// that is not what the tables say. One line each.
std::vector<std::string> LeavingsOf(const std::string& home);

}  // namespace dml::e2e
