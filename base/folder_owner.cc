#include "base/folder_owner.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "base/file_descriptor.h"

namespace dml {

namespace {

namespace fs = std::filesystem;

constexpr uid_t kRoot = 0;

}  // namespace

// Both are looked at and changed as open files: whoever has the folder may exchange names
// meanwhile.
void GiveToOwnerOfFolder(const std::string& path) {
  if (::geteuid() != kRoot) return;
  const fs::path place = path;
  const FileDescriptor folder(
      ::open(place.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat owner {};
  if (folder.get() < 0 || ::fstat(folder.get(), &owner) != 0 || owner.st_uid == kRoot) return;
  const FileDescriptor file(
      ::openat(folder.get(), place.filename().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0 || info.st_uid != kRoot) return;
  if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) return;
  // Where that is refused, as on some network shares, it stays root's.
  [[maybe_unused]] const int refused =
      ::fchownat(file.get(), "", owner.st_uid, owner.st_gid, AT_EMPTY_PATH);
}

void GiveAllToOwnerOfFolder(const std::string& folder) {
  struct stat owner {};
  if (::geteuid() != kRoot || ::stat(folder.c_str(), &owner) != 0 || owner.st_uid == kRoot) return;
  std::error_code problem;
  fs::recursive_directory_iterator entry(folder, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    GiveToOwnerOfFolder(entry->path().string());
  }
}

std::string UserName(uid_t user) {
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? std::to_string(user) : found->pw_name;
}

}  // namespace dml
