#pragma once

#include <sys/types.h>

#include <string>

namespace dml {

// Root at work in a folder of somebody else: what it makes there is to be that user's. For
// everybody but root these two do nothing, nor where the owner of the folder is root.

// What is at `path`, if it is root's, is from now on whose the folder is that it is in. Not a file
// with several names: one of the system could have been linked there.
void GiveToOwnerOfFolder(const std::string& path);
// The same of all that is in the folder, at any depth.
void GiveAllToOwnerOfFolder(const std::string& folder);

// "alice" or, if this machine does not know that user, "4242".
[[nodiscard]] std::string UserName(uid_t user);

}  // namespace dml
