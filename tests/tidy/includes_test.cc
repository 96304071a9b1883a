// The architecture as a test: every #include is an arrow of the table in docs/architecture.md, and
// every third-party library has its home.

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_tree.h"

namespace dml::tidy {
namespace {

using Modules = std::set<std::string>;

const std::map<std::string, Modules>& AllowedArrows() {
  static const std::map<std::string, Modules> table{
      {"base", {}},
      {"pipelines", {"base"}},
      {"orchestrator/core", {"base", "pipelines"}},
      {"orchestrator/state", {"base", "pipelines", "orchestrator/core"}},
      {"orchestrator/engine",
       {"base", "pipelines", "orchestrator/core", "orchestrator/state", "runners/api"}},
      {"orchestrator/schedule", {"base", "pipelines", "orchestrator/state"}},
      {"orchestrator/report", {"base", "pipelines", "orchestrator/core", "orchestrator/state"}},
      {"runners/api", {"base"}},
      {"runners/agent", {"base", "runners/api"}},
      {"runners/local", {"base", "runners/api", "runners/agent"}},
      {"runners/node", {"base", "runners/api", "runners/agent"}},
      {"runners/ssh", {"base", "pipelines", "runners/api", "runners/node"}},
      {"plugins/api", {"base"}},
      {"plugins/table", {"base"}},
      {"plugins/learn", {"base"}},
      {"plugins/steps", {"base", "plugins/api", "plugins/table", "plugins/learn"}},
  };
  return table;
}

struct Library {
  std::string_view prefix;         // of the include path
  std::vector<std::string> homes;  // path prefixes that may include it
};

const std::vector<Library>& Libraries() {
  static const std::vector<Library> list{
      {"yaml-cpp/", {"pipelines/"}},
      {"sqlite3.h", {"orchestrator/state/", "plugins/table/sql/"}},
      {"boost/", {"cli/hooks/cmd_webhook.cc"}},
      {"libssh/", {"runners/ssh/"}},
      {"CLI/", {"cli/"}},
      {"Eigen/", {"plugins/learn/"}},
      {"hwy/", {"plugins/learn/", "plugins/table/", "cli/worker/"}},
      {"fast_float/", {"plugins/table/"}},
      {"zlib.h", {"plugins/table/"}},
      {"zstd.h", {"plugins/table/", "runners/node/"}},
      {"openssl/", {"base/"}},
      {"date/", {"orchestrator/schedule/"}},
  };
  return list;
}

// The text between the quotes or brackets of an #include line.
std::optional<std::string> IncludedPath(const std::string& line) {
  if (!line.starts_with("#include")) return std::nullopt;
  const std::size_t open = line.find_first_of("<\"");
  const std::size_t close = line.find_last_of(">\"");
  if (open == std::string::npos || close <= open) return std::nullopt;
  return line.substr(open + 1, close - open - 1);
}

const SourceFile* FindFile(const std::string& path) {
  for (const SourceFile& file : SourceTree()) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

TEST(Includes, FollowTheTableOfModules) {
  for (const SourceFile& file : SourceTree()) {
    const auto allowed = AllowedArrows().find(file.module);
    if (allowed == AllowedArrows().end()) continue;  // cli, tests and bench may use everything
    for (const std::string& line : file.lines) {
      const auto path = IncludedPath(line);
      const SourceFile* target = path ? FindFile(*path) : nullptr;
      if (target == nullptr || target->module == file.module) continue;
      EXPECT_TRUE(allowed->second.contains(target->module))
          << file.path << " includes " << *path << ", but " << file.module << " may not depend on "
          << target->module;
    }
  }
}

// The room of a file of the language, or nothing for what all of them share.
std::optional<std::size_t> LayerOf(const std::string& path) {
  static const std::vector<std::string> layers{"yaml",   "expressions", "params",
                                               "expand", "validate",    "help"};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (path.starts_with("pipelines/" + layers[i] + "/")) return i;
  }
  return std::nullopt;
}

TEST(Includes, RoomsOfTheLanguageAreLayers) {
  std::size_t arrows = 0;
  for (const SourceFile& file : SourceTree()) {
    const auto from = LayerOf(file.path);
    for (const std::string& line : file.lines) {
      const auto path = IncludedPath(line);
      const auto to = path ? LayerOf(*path) : std::nullopt;
      if (!from || !to) continue;
      if (*from != *to) ++arrows;
      EXPECT_LE(*to, *from) << file.path << " includes " << *path << " of a later room";
    }
  }
  EXPECT_GT(arrows, 10U);
}

TEST(Includes, NobodyIncludesTheCommandLine) {
  for (const SourceFile& file : SourceTree()) {
    if (file.module == "cli" || file.module == "tests") continue;
    for (const std::string& line : file.lines) {
      const auto path = IncludedPath(line);
      EXPECT_FALSE(path && path->starts_with("cli/")) << file.path << " includes " << *path;
    }
  }
}

TEST(Includes, ThirdPartyLibrariesStayAtHome) {
  for (const SourceFile& file : SourceTree()) {
    if (file.module == "tests" || file.module == "bench") continue;
    for (const std::string& line : file.lines) {
      const auto path = IncludedPath(line);
      if (!path) continue;
      for (const Library& library : Libraries()) {
        if (!path->starts_with(library.prefix)) continue;
        bool at_home = false;
        for (const std::string& home : library.homes) at_home |= file.path.starts_with(home);
        EXPECT_TRUE(at_home) << file.path << " includes <" << *path << ">, which belongs in "
                             << library.homes.front();
      }
    }
  }
}

TEST(Includes, TheCoreIsPure) {
  static const std::set<std::string> kImpure{"thread", "mutex",  "condition_variable", "fstream",
                                             "chrono", "random", "filesystem",         "iostream",
                                             "future", "atomic", "unistd.h",           "time.h"};
  for (const SourceFile& file : SourceTree()) {
    if (file.module != "orchestrator/core") continue;
    for (const std::string& line : file.lines) {
      const auto path = IncludedPath(line);
      EXPECT_FALSE(path && kImpure.contains(*path)) << file.path << " includes <" << *path << ">";
    }
  }
}

}  // namespace
}  // namespace dml::tidy
