#include "base/expand_glob.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

namespace dml {

Result<std::vector<std::string>> ExpandGlob(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return std::vector{pattern};
  glob_t matches{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &matches);
  std::vector<std::string> paths(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (status == GLOB_NOMATCH || (status == 0 && paths.empty())) {
    struct stat info {};
    if (::stat(pattern.c_str(), &info) == 0) return std::vector{pattern};  // a literal bracket
    return Error::Invalid(fmt::format("no file matches '{}'", pattern),
                          "relative patterns start at the folder of the pipeline file");
  }
  if (status != 0) return Error::Environment(fmt::format("cannot list '{}'", pattern));
  return paths;
}

}  // namespace dml
