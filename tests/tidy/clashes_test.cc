// Files of a target are compiled together by some builds, and each on its own by others: their
// local names must not clash, though only the former would see it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/tidy/local_names.h"
#include "tests/tidy/source_tree.h"
#include "tests/tidy/targets.h"

namespace dml::tidy {
namespace {

struct FoundName {
  std::string path;
  DeclaredName declared;
};

using NamesByFile = std::map<std::string, std::vector<DeclaredName>>;
using FilesByName = std::multimap<std::string, FoundName>;

NamesByFile LocalNamesOfTree() {
  NamesByFile names;
  for (const SourceFile& file : SourceTree()) {
    if (!file.is_header()) names[file.path] = LocalNamesOf(file.lines);
  }
  return names;
}

FilesByName SharedNamesOfTree() {
  FilesByName names;
  for (const SourceFile& file : SourceTree()) {
    if (!file.is_header()) continue;
    for (DeclaredName& shared : SharedNamesOf(file.lines)) {
      const std::string name = shared.name;
      names.emplace(name, FoundName{file.path, std::move(shared)});
    }
  }
  return names;
}

// Where else the name is declared so that the two clash; "" if nowhere.
std::string ClashOf(const std::string& path, const DeclaredName& local, const FilesByName& others) {
  const auto [first, last] = others.equal_range(local.name);
  for (auto other = first; other != last; ++other) {
    const FoundName& found = other->second;
    if (found.path != path && Clash(found.declared, local)) {
      return found.path + ":" + std::to_string(found.declared.line);
    }
  }
  return "";
}

// All targets, their sources by the paths that the tree has for them.
std::vector<Target> TargetsOfTree() {
  const std::filesystem::path root = DML_SOURCE_DIR;
  std::map<std::filesystem::path, bool> folders;
  for (const SourceFile& file : SourceTree()) {
    folders[std::filesystem::path(file.path).parent_path()] = true;
  }
  std::vector<Target> all;
  for (const auto& [folder, known] : folders) {
    std::ifstream stream(root / folder / "CMakeLists.txt");
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    for (Target& target : TargetsOf(text)) {
      for (std::string& source : target.sources) {
        source = (folder / source).lexically_normal().string();
      }
      all.push_back(std::move(target));
    }
  }
  return all;
}

TEST(Clashes, FilesThatMayBeCompiledTogetherHaveNoneOfLocalNames) {
  const NamesByFile names = LocalNamesOfTree();
  std::size_t count = 0;
  for (const Target& target : TargetsOfTree()) {
    FilesByName seen;
    for (const std::string& path : target.sources) {
      const auto locals = names.find(path);
      ASSERT_NE(locals, names.end()) << target.name << " has " << path << ", which is not";
      for (const DeclaredName& local : locals->second) {
        ++count;
        EXPECT_EQ(ClashOf(path, local, seen), "")
            << path << ":" << local.line << ": " << local.name << " is there, too, and "
            << target.name << " may compile both as one file: give one of them a name of its own";
        seen.emplace(local.name, FoundName{path, local});
      }
    }
  }
  EXPECT_GT(count, 2500U) << "the reader no longer recognises local names";
}

TEST(Clashes, LocalNamesAreNotThoseOfHeadersThatNeighboursMayInclude) {
  const NamesByFile names = LocalNamesOfTree();
  const FilesByName shared = SharedNamesOfTree();
  EXPECT_GT(shared.size(), 1500U) << "the reader no longer recognises what headers declare";
  for (const Target& target : TargetsOfTree()) {
    for (const std::string& path : target.sources) {
      for (const DeclaredName& local : names.at(path)) {
        EXPECT_EQ(ClashOf(path, local, shared), "")
            << path << ":" << local.line << ": " << local.name << " is there, too, and "
            << target.name << " may compile it with a file that includes this header";
      }
    }
  }
}

}  // namespace
}  // namespace dml::tidy
