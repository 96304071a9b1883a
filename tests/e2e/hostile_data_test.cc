// Bad delimited text through the real binary: the message names the place and the remedy, the exit
// code is 2, and nothing is left in the store.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class HostileData : public EndToEnd {
 protected:
  // Runs load.csv with these parameters, which must fail with all of `parts` in the message.
  void ExpectRefused(const std::string& with, const std::vector<std::string>& parts) {
    Write("p.yaml", "name: hostile\nsteps:\n  - id: raw\n    uses: load.csv\n    with: {" + with +
                        "}\n  - id: out\n    uses: write.csv\n    input: raw\n"
                        "    with: {path: out.csv}\n");
    const Finished run = Run({"run", "p.yaml"});
    EXPECT_EQ(run.code, 2) << run.err;
    for (const std::string& part : parts) {
      EXPECT_NE(run.err.find(part), std::string::npos) << "no '" << part << "' in:\n" << run.err;
    }
    EXPECT_FALSE(Exists("out.csv"));
    EXPECT_EQ(FilesBelow(".dml/store/blobs"), 0) << "something was committed";
    EXPECT_EQ(TableFilesBelow(".dml/runs"), 0) << "an attempt left a table behind";
  }
  void ExpectTextRefused(const std::string& text, const std::vector<std::string>& parts) {
    Write("data.csv", text);
    ExpectRefused("path: data.csv", parts);
  }

 private:
  int FilesBelow(const std::string& folder) const { return Count(folder, ""); }
  int TableFilesBelow(const std::string& folder) const { return Count(folder, ".safetensors"); }
  int Count(const std::string& folder, const std::string& ending) const {
    int count = 0;
    if (!Exists(folder)) return 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(folder))) {
      const std::string name = entry.path().filename();
      count += entry.is_regular_file() && name.ends_with(ending) ? 1 : 0;
    }
    return count;
  }
};

TEST_F(HostileData, RaggedRow) {
  ExpectTextRefused("a,b\n1,2\n3\n", {"data.csv:3: row 2 has 1 field instead of 2", "ragged: pad"});
}

TEST_F(HostileData, TextInANumericColumn) {
  Write("data.csv", "a,b\n1,2\n3,four\n");
  ExpectRefused("path: data.csv, types: {b: int64}",
                {"data.csv:3: row 2, column 'b' holds 'four', which is not int64", "null_values"});
}

TEST_F(HostileData, AQuoteThatIsNeverClosed) {
  std::string text = "id,note\n1,fine\n2,\"open\n";
  for (int i = 0; text.size() < (std::size_t{70} << 20); ++i) text += fmt::format("{},text\n", i);
  ExpectTextRefused(text, {"data.csv:3: row 2", "64 MiB", "quote"});
}

TEST_F(HostileData, BytesThatAreNoText) {
  ExpectTextRefused(std::string("a,b\n1,x\n2,y\0z\n", 14),
                    {"data.csv:3: row 2, column 'b' has a NUL byte"});
  ExpectTextRefused("a,b\n1,caf\xE9\n", {"data.csv:2: row 1, column 'b' is not UTF-8", "latin1"});
  ExpectTextRefused("a,b\xE9\n1,2\n", {"the header of", "data.csv' is not UTF-8"});
  ExpectTextRefused(std::string("\xFF\xFE"
                                "a\0,\0",
                                6),
                    {"data.csv' is UTF-16 text", "iconv"});
}

TEST_F(HostileData, PackedFilesThatEndEarly) {
  std::string packed = "\x1f\x8b\x08";
  packed += std::string("\0\0\0\0\0\0\x03", 7) + "\x4b\xd4";
  Write("data.csv.gz", packed);
  ExpectRefused("path: data.csv.gz", {"data.csv.gz' cannot be unpacked: the gzip data ends"});
  Write("data.csv.zst", std::string("\x28\xb5\x2f\xfd\x04\x00\x31", 7));
  ExpectRefused("path: data.csv.zst", {"data.csv.zst' cannot be unpacked: "});
}

TEST_F(HostileData, GlobsThatMatchNothingOrTooMuch) {
  ExpectRefused("path: 'nothing-*.csv'", {"nothing-*.csv"});
  Write("part-1.csv", "a,b\n1,2\n");
  Write("part-2.csv", "b,a\n1,2\n");
  ExpectRefused("path: 'part-*.csv'", {"column 1 is 'b' in '", "part-2.csv', but 'a' in '",
                                       "part-1.csv'", "the same order"});
}

TEST_F(HostileData, OneGiganticLine) {
  ExpectTextRefused(std::string(std::size_t{70} << 20, 'x'), {"data.csv:1: the header is longer"});
}

TEST_F(HostileData, StrangeButReadable) {
  std::string wide;
  for (int i = 0; i < 5'000; ++i) wide += fmt::format("{}c{}", i > 0 ? "," : "", i);
  Write("data.csv", wide + "\n" + wide + "\n");
  Write("names.csv", "a,a,\n1,2,inf\n");
  Write("p.yaml",
        "name: strange\nsteps:\n"
        "  - {id: wide, uses: load.csv, with: {path: data.csv}}\n"
        "  - {id: names, uses: load.csv, with: {path: names.csv}}\n"
        "  - {id: out, uses: write.csv, input: names, with: {path: out.csv.gz}}\n"
        "  - {id: back, uses: load.csv, needs: out, with: {path: names.csv}}\n");
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("Column 2 repeats the name 'a' and is called 'a.1'."), std::string::npos)
      << run.err;
  EXPECT_EQ(Read("out.csv.gz").substr(0, 2), "\x1f\x8b");
}

}  // namespace
}  // namespace dml::e2e
