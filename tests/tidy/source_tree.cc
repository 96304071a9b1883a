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

bool OpensFunction(const std::string& line) {
  if (line.empty() || !line.ends_with("{") || line.starts_with(' ') || line.starts_with('}')) {
    return false;
  }
  if (line.starts_with("#") || line.find(" = {") != std::string::npos) return false;
  static constexpr std::array<std::string_view, 7> kOther{
      "namespace", "class ", "struct ", "enum ", "union ", "extern ", "constexpr std::array"};
  return std::ranges::none_of(kOther,
                              [&](std::string_view word) { return line.starts_with(word); });
}

}  // namespace

const std::vector<SourceFile>& SourceTree() {
  static const std::vector<SourceFile> files = LoadAll();
  return files;
}

std::vector<Function> FunctionsOf(const SourceFile& file) {
  std::vector<Function> found;
  std::size_t start = 0;
  bool inside = false;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (!inside && OpensFunction(file.lines[i])) {
      inside = true;
      start = i;
    } else if (inside && file.lines[i].starts_with('}')) {
      inside = false;
      found.push_back({file.lines[start], start + 1, i - start + 1});
    }
  }
  return found;
}

}  // namespace dml::tidy
