// Files that arrive piece by piece, past the page cache where they are large.

#include "runners/ssh/fetched_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/files.h"

namespace dml::ssh {
namespace {

class FetchedFileTest : public testing::Test {
 protected:
  FetchedFileTest() : folder_(MakeFolder()) {}
  ~FetchedFileTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string Path() const { return folder_ + "/file"; }

  // Of uneven pieces.
  Result<void> Write(const std::string& content, std::int64_t size_said) {
    DML_TRY(FetchedFile file, FetchedFile::Create(Path(), size_said));
    std::mt19937 draw(7);
    for (std::size_t at = 0; at < content.size();) {
      const std::string piece = content.substr(at, 1 + draw() % (3 * FetchedFile::kBlockBytes));
      DML_RETURN_IF_ERROR(file.Append(piece));
      at += piece.size();
    }
    return file.Close();
  }

 private:
  static std::string MakeFolder() {
    std::string name = testing::TempDir() + "fetched_XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    return name;
  }

  const std::string folder_;
};

std::string Noise(std::size_t bytes) {
  std::string content(bytes, '\0');
  std::mt19937 draw(3);
  for (char& c : content) c = static_cast<char>(draw());
  return content;
}

TEST_F(FetchedFileTest, HasWhatWasAppended) {
  constexpr std::size_t kBlock = FetchedFile::kBlockBytes;
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, kBlock - 1, 8 * kBlock - 1, 8 * kBlock, 8 * kBlock + 1,
        8 * kBlock + 4096, 9 * kBlock, 10 * kBlock + 12345}) {
    const std::string content = Noise(bytes);
    ASSERT_TRUE(Write(content, static_cast<std::int64_t>(bytes)).ok()) << bytes;
    EXPECT_TRUE(ReadFile(Path()).value() == content) << bytes;
  }
}

// Of a node that says other than it sends, which the digest tells.
TEST_F(FetchedFileTest, TheSizeIsOnlyAHint) {
  const std::string content = Noise(12345);
  ASSERT_TRUE(Write(content, FetchedFile::kLargeBytes).ok());
  EXPECT_TRUE(ReadFile(Path()).value() == content);
  const std::string large = Noise(FetchedFile::kLargeBytes + 3);
  ASSERT_TRUE(Write(large, 3).ok());
  EXPECT_TRUE(ReadFile(Path()).value() == large);
}

TEST_F(FetchedFileTest, ReplacesWhatIsThere) {
  ASSERT_TRUE(WriteFileAtomic(Path(), Noise(9 * FetchedFile::kBlockBytes)).ok());
  ASSERT_TRUE(Write("short", FetchedFile::kLargeBytes).ok());
  EXPECT_EQ(ReadFile(Path()).value(), "short");
}

TEST_F(FetchedFileTest, SaysWhatItCannotWrite) {
  for (const std::int64_t size : {std::int64_t{5}, FetchedFile::kLargeBytes}) {
    const auto missing = FetchedFile::Create(Path() + "/none/file", size);
    ASSERT_FALSE(missing.ok());
    EXPECT_NE(missing.error().message.find("/none/file"), std::string::npos);
    // A device without room: one that refuses to go past the cache is written as any other.
    auto full = FetchedFile::Create("/dev/full", size);
    ASSERT_TRUE(full.ok());
    const std::string block(FetchedFile::kBlockBytes, 'x');
    const auto written = full->Append(block);
    ASSERT_FALSE(written.ok());
    EXPECT_NE(written.error().message.find("cannot write an output"), std::string::npos);
  }
}

}  // namespace
}  // namespace dml::ssh
