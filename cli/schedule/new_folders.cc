#include "cli/schedule/new_folders.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/files.h"

namespace dml::cli {

namespace fs = std::filesystem;

std::vector<std::string> MissingFolders(const std::string& path) {
  std::vector<std::string> missing;
  std::error_code ignored;
  for (fs::path folder = path; !folder.empty() && !fs::exists(folder, ignored);
       folder = folder.parent_path()) {
    missing.push_back(folder.string());
  }
  return missing;
}

void RemoveEmptyFolders(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) ::rmdir(folder.c_str());  // unless it is in use by now
}

Result<NewFolder> NewFolder::Make(const std::string& path) {
  NewFolder made(MissingFolders(path));
  DML_RETURN_IF_ERROR(MakeDirectories(path));
  return made;
}

}  // namespace dml::cli
