// What lies in the folder of a node after an agent or a worker was killed, or a disk was damaged:
// any bytes in any of its files. Whoever comes next reads them, and a probe tells what they say in
// words that the head understands. The first byte chooses the file.

#include <fcntl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/hash.h"
#include "base/json.h"
#include "runners/agent/out_of_memory.h"
#include "runners/node/drain.h"
#include "runners/node/file_looker.h"
#include "runners/node/journal.h"
#include "runners/node/record_book.h"
#include "runners/node/territory.h"
#include "runners/node/upkeep.h"
#include "runners/ssh/node_probe.h"
#include "runners/ssh/node_speeds.h"
#include "tests/fuzz/scratch_folder.h"

namespace {

namespace fs = std::filesystem;
namespace node = dml::node;

constexpr const char* kFiles[] = {"records/7.5.6.states",
                                  "records/7.5.6.states",
                                  "records/7.marks",
                                  "known-files",
                                  "agent.pid",
                                  "drained",
                                  "agent.log",
                                  "dml-node.tag",
                                  "speeds",
                                  "records/"};  // under the name that the bytes are
constexpr std::size_t kStates = 0;
constexpr std::size_t kNameMax = 255;

void Require(bool right) {
  if (!right) std::abort();
}

void Write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// As a worker frames a state: what no chance does.
std::string AsState(std::string_view packed) {
  const dml::Digest digest = dml::Sha256::Of(packed);
  std::array<std::uint64_t, 2> header{0, packed.size()};
  std::memcpy(header.data(), digest.bytes.data(), sizeof header[0]);
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), header.data(), sizeof header);
  return bytes + std::string(packed);
}

void CheckRecords(const std::string& root) {
  const std::size_t there = node::RecordBook::Read(root).size();
  node::RecordBook book(root);
  const auto taken = book.TakeOver();
  Require(taken.ok() && taken->size() == there);
  const auto place = book.Add();
  Require(place.has_value());
  book.Drop(*place);
  for (const auto& entry : *taken) {
    Require(node::IsAttemptName(entry.name));
    book.MarkTold(entry.place);
    book.Drop(entry.place);
  }
  Require(node::RecordBook::Read(root).empty());
}

// What is told of a task that was ended, by the last words of its log.
void CheckLog(const std::string& path) {
  dml::runners::ExitReason reason =
      dml::runners::ExitFailure{dml::Error::Task("it failed"), 1, false};
  dml::agent::JudgeMemory(1 << 20, {}, path, reason);
  Require(std::holds_alternative<dml::runners::ExitFailure>(reason));
}

void CheckSpeeds(std::string_view text) {
  const auto json = dml::Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return;
  dml::ssh::NodeSpeeds speeds = dml::ssh::NodeSpeeds::FromJson(json);
  speeds.Observe("a", "train", 10);
  const double speed = speeds.SpeedOf("a");
  Require(speed > 0 && speed < 1e9 && speeds.SecondsOf("train") > 0);
  Require(dml::ssh::NodeSpeeds::FromJson(speeds.ToJson()).ToJson() == speeds.ToJson());
}

void CheckKnownFiles(const std::string& path) {
  const dml::FileStamp stamp{1, 2, 3, 4, 5};
  const dml::Digest digest = dml::Sha256::Of("x");
  node::KnownDigests known(path);
  known.Learn("/a", stamp, digest, dml::WallTime{1'000'000'000'000'000});
  known.Save();
  const node::KnownDigests again(path);
  const dml::Digest* found = again.Find("/a", stamp);
  Require(found != nullptr && *found == digest);
}

void CheckProbe(const std::string& root) {
  const dml::Json facts{{"boot", "b"}, {"node", node::Survey(root)}};
  const auto probe = dml::ssh::ParseProbe("\n<<dml-probe>> " + dml::CanonicalJson(facts) + "\n");
  Require(probe.ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dml::fuzz::ScratchFolder folder;
  static const dml::FileDescriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (size == 0) return 0;
  const std::string root = folder.path() + "/above/node";
  fs::remove_all(root);
  fs::create_directories(root + "/records");
  Write(folder.path() + "/somebodys", "x");
  const std::size_t file = *data % std::size(kFiles);
  const std::string path = root + "/" + kFiles[file];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (std::string_view(kFiles[file]) == "speeds") {
    CheckSpeeds(bytes);
    return 0;
  }
  if (path.ends_with('/')) {
    const std::string name(bytes.substr(0, bytes.find_first_of(std::string("/\0", 2))));
    if (name.empty() || name == "." || name == ".." || name.size() > kNameMax) return 0;
    Write(path + name, "x");
    CheckRecords(root);
    return 0;
  }
  Write(path, file == kStates ? AsState(bytes) : bytes);
  CheckProbe(root);
  CheckRecords(root);
  CheckLog(path);
  static_cast<void>(node::CopyJournal(root, 3, /*follow=*/false, nowhere.get()));
  CheckKnownFiles(root + "/known-files");
  Require(node::DrainReason(root).empty() == (std::string_view(kFiles[file]) != "drained"));
  // What is not dml's stays.
  Write(root + "/notes", "x");
  static_cast<void>(node::RemoveOwn(root));
  Require(fs::exists(root + "/notes") && fs::exists(folder.path() + "/somebodys"));
  return 0;
}
