#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace dml::tidy {

namespace {

constexpr std::array<std::string_view, 8> kRoots{"base",    "pipelines", "orchestrator", "runners",
                                                 "plugins", "cli",       "tests",        "bench"};
// Folders whose children are modules of their own.
constexpr std::array<std::string_view, 3> kGroups{"orchestrator", "runners", "plugins"};

std::string ModuleOf(const std::filesystem::path& relative) {
  auto part = relative.begin();
  const std::string first = part->string();
  if (std::ranges::find(kGroups, first) == kGroups.end()) return first;
  return first + "/" + (++part)->string();
}

SourceFile Load(const std::filesystem::path& root, const std::filesystem::path& path) {
  const auto relative = std::filesystem::relative(path, root);
  SourceFile file{relative.string(), ModuleOf(relative), {}};
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
  return file;
}

std::vector<SourceFile> LoadAll() {
  const std::filesystem::path root = DML_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string_view name : kRoots) {
    if (!std::filesystem::exists(root / name)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / name)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") files.push_back(Load(root, entry.path()));
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

}  // namespace

const std::vector<SourceFile>& SourceTree() {
  static const std::vector<SourceFile> files = LoadAll();
  return files;
}

}  // namespace dml::tidy
