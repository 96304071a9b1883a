#include "runners/api/executables.h"

#include <unistd.h>

#include <cerrno>

#include "base/files.h"

namespace dml::runners {

namespace {

std::string PathIn(const std::string& attempt_dir) { return attempt_dir + "/executables"; }

}  // namespace

// Behind each name a NUL: the only byte that no name holds.
Result<void> NoteExecutables(const std::string& attempt_dir, const std::set<std::string>& names) {
  const std::string path = PathIn(attempt_dir);
  if (names.empty()) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
    return Error::System("cannot remove '" + path + "'", errno);
  }
  std::string text;
  for (const std::string& name : names) text.append(name).append(1, '\0');
  DML_RETURN_IF_ERROR(MakeDirectories(attempt_dir));
  return WriteFileAtomic(path, text);
}

Result<std::set<std::string>> ReadExecutables(const std::string& attempt_dir) {
  const std::string path = PathIn(attempt_dir);
  std::set<std::string> names;
  if (::access(path.c_str(), F_OK) != 0) return names;
  DML_TRY(const std::string text, ReadFile(path));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\0', at);
    names.insert(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return names;
}

}  // namespace dml::runners
