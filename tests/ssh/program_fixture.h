#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "runners/ssh/subprocess.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {

inline constexpr const char* kDml = DML_BINARY_DIR "/dml";

// The program itself, with an inventory of real servers that nobody has set up yet.
class ProgramFixture : public ::testing::Test {
 protected:
  explicit ProgramFixture(const std::vector<ServerOptions>& servers)
      : servers_(servers), inventory_(servers_.WriteInventory()) {
    ::setenv("DML_WORKER", DML_BINARY_DIR "/dml-worker", 1);
  }

  static Output Dml(std::vector<std::string> args) {
    args.insert(args.begin(), kDml);
    auto output = RunProgram(args, Duration::Seconds(240));
    EXPECT_TRUE(output.ok()) << output.error().message;
    return output.ok() ? *output : Output{};
  }
  void SetUpCluster() {
    const Output setup = Dml({"cluster", "setup", "--accept-new-host-keys", "-c", inventory_});
    ASSERT_EQ(setup.code, 0) << setup.out << setup.err;
  }

  // A file in the folder of the test, with the folders that it needs; its path.
  std::string Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = servers_.Path(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  // The content of every blob of a home: names are digests, so equal names are equal contents.
  static std::set<std::string> BlobsOf(const std::string& home) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(home + "/store/blobs")) {
      if (entry.is_regular_file()) names.insert(entry.path().filename().string());
    }
    return names;
  }
  static void WaitUntil(const std::function<bool()>& condition, const char* what) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return;
      ::poll(nullptr, 0, 10);
    }
    ADD_FAILURE() << "never happened: " << what;
  }

  SshdFixture servers_;
  std::string inventory_;
};

}  // namespace dml::ssh
