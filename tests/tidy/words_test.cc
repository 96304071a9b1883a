// Words that do not belong in the sources, each with what to use instead.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_tree.h"

namespace dml::tidy {
namespace {

struct Banned {
  std::string_view word;
  std::string_view instead;
  std::vector<std::string_view> except;  // path prefixes
};

const std::vector<Banned>& BannedWords() {
  static const std::vector<Banned> list{
      {"std::cout", "return text, and let cli/ print it", {"cli/", "bench/", "tests/"}},
      {"std::random_device", "Philox with a seed from the user", {"tests/sim/"}},  // prints it
      {"std::mt19937", "Philox, whose draws are the same everywhere", {"tests/", "bench/"}},
      {"std::regex",
       "a hand-written matcher or a library: std::regex overflows its stack",
       {"tests/"}},
      {"sleep_for", "a deadline on a condition", {"runners/", "bench/", "tests/", "cli/"}},
      {"system_clock", "Clock::Wall()", {"bench/"}},
      {"std::thread ", "std::jthread", {}},
      {".detach()", "a thread that somebody joins", {"bench/spawn.cc"}},  // there, a process
      {"using namespace std;", "qualified names", {}},
      {"dynamic_cast", "a sum type or a virtual function", {"tests/"}},
  };
  return list;
}

bool Excepted(const Banned& banned, const SourceFile& file) {
  return std::ranges::any_of(banned.except,
                             [&](std::string_view path) { return file.path.starts_with(path); });
}

TEST(Words, BannedOnesHaveAReplacement) {
  for (const SourceFile& file : SourceTree()) {
    if (file.path.starts_with("tests/tidy/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      for (const Banned& banned : BannedWords()) {
        if (Excepted(banned, file)) continue;
        EXPECT_EQ(file.lines[i].find(banned.word), std::string::npos)
            << file.path << ":" << i + 1 << ": " << banned.word << "; use " << banned.instead;
      }
    }
  }
}

TEST(Words, NothingIsLeftForLater) {
  for (const SourceFile& file : SourceTree()) {
    if (file.path.starts_with("tests/tidy/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      // The names that mkstemp() fills in are no remark.
      if (file.lines[i].find("XXXXXX") != std::string::npos) continue;
      for (const std::string_view word : {"TODO", "FIXME", "XXX", "HACK"}) {
        EXPECT_EQ(file.lines[i].find(word), std::string::npos) << file.path << ":" << i + 1;
      }
    }
  }
}

TEST(Words, SourcesAreAscii) {
  for (const SourceFile& file : SourceTree()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const bool ascii = std::ranges::all_of(
          file.lines[i], [](char c) { return static_cast<unsigned char>(c) < 128; });
      EXPECT_TRUE(ascii) << file.path << ":" << i + 1;
    }
  }
}

TEST(Words, FilesAreNamedForWhatTheyHold) {
  for (const SourceFile& file : SourceTree()) {
    const std::string stem = std::filesystem::path(file.path).stem().string();
    for (const std::string_view vague : {"util", "utils", "helper", "helpers", "common", "misc"}) {
      EXPECT_NE(stem, vague) << file.path;
    }
  }
}

TEST(Words, HeadersGuardThemselves) {
  for (const SourceFile& file : SourceTree()) {
    if (!file.is_header()) continue;
    // Highway includes a file once for every instruction set: "-inl.h" marks those.
    const bool once_a_target = file.path.ends_with("-inl.h");
    const std::string guard = once_a_target ? "HWY_TARGET_TOGGLE" : "#pragma once";
    const bool guarded = std::ranges::any_of(file.lines, [&](const std::string& line) {
      return once_a_target ? line.find(guard) != std::string::npos : line == guard;
    });
    EXPECT_TRUE(guarded) << file.path;
  }
}

}  // namespace
}  // namespace dml::tidy
