// Both ends of a connection to a node while blobs are on their way, each against any bytes from the
// other: what has a blob's name, or was asked for by it, is that blob, or is not there. The first
// byte chooses the end, and whether checksums of pieces are made right, which no chance does.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "runners/node/session.h"
#include "runners/ssh/node_port.h"
#include "tests/fuzz/scratch_folder.h"

namespace {

namespace fs = std::filesystem;
namespace node = dml::node;
using dml::runners::FrameType;

constexpr std::string_view kContent = "xxxxxxxxxxxx";
constexpr std::size_t kPiece = 4096;
constexpr dml::Duration kTurn = dml::Duration::Millis(1);

void Require(bool right) {
  if (!right) std::abort();
}

std::string WithRightChecksums(std::string_view bytes) {
  dml::runners::FrameDecoder decoder;
  decoder.Feed(bytes);
  std::string out;
  for (auto frame = decoder.Next(); frame.ok() && *frame; frame = decoder.Next()) {
    const auto chunk = node::DecodeChunk((*frame)->payload);
    if ((*frame)->type == FrameType::kChunk && chunk.ok()) {
      node::AppendChunk(*chunk, out);
    } else {
      dml::runners::AppendFrame((*frame)->type, (*frame)->payload, out);
    }
  }
  return out;
}

// Says `bytes` to the end that `turn` works for, and hears what it answers.
template <typename Turn>
void Talk(int fd, std::string_view bytes, Turn turn) {
  std::string ignored(1U << 16, '\0');
  const auto hear = [&] {
    while (::recv(fd, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
    }
  };
  while (!bytes.empty()) {
    const ssize_t said =
        ::send(fd, bytes.data(), std::min(bytes.size(), kPiece), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (said <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(said));
    if (!turn()) return;
    hear();
  }
}

void AgainstHead(const std::string& folder, std::string_view bytes) {
  int ends[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const std::string target = folder + "/output";
  const dml::Digest wanted = dml::Sha256::Of(kContent);
  {
    dml::ssh::NodePort port;
    dml::Instant now{};
    port.Open(ends[0], now);
    port.uploads.Want(dml::Sha256::Of("x"), folder + "/input");
    port.Fetch(wanted, static_cast<std::int64_t>(kContent.size()), target + ".part", target);
    port.ResumeTransfers();
    port.Flush();
    Talk(ends[1], bytes, [&] {
      now = now + kTurn;
      static_cast<void>(port.Receive(now));
      port.Heartbeat(now);
      port.Flush();
      static_cast<void>(port.uploads.Take());
      static_cast<void>(port.downloads.Take());
      return !port.broken();
    });
  }
  ::close(ends[1]);
  if (fs::exists(target)) {
    Require(dml::HashFile(target).value() == wanted);
    fs::remove(target);
  }
  Require(!fs::exists(target + ".part"));
}

void AgainstNode(node::BlobCache& blobs, const std::string& folder, std::string_view bytes) {
  int ends[2];
  Require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  {
    dml::Instant now{};
    node::Session session(ends[0], blobs, now);
    Talk(ends[1], bytes, [&] {
      now = now + kTurn;
      static_cast<void>(session.Receive(now));
      session.Flush();
      return !session.broken();
    });
  }
  ::close(ends[1]);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder + "/blobs")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  for (const fs::path& path : files) {
    const std::string name = path.parent_path().filename().string() + path.filename().string();
    if (path.extension() != ".part") Require(dml::HashFile(path.string()).value().Hex() == name);
    fs::remove(path);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dml::fuzz::ScratchFolder folder;
  static node::BlobCache blobs = node::BlobCache::Open(folder.path()).value();
  if (size == 0) return 0;
  std::ofstream(folder.path() + "/input") << "x";
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((*data & 2) != 0) bytes = WithRightChecksums(bytes);
  if ((*data & 1) != 0) {
    AgainstHead(folder.path(), bytes);
  } else {
    AgainstNode(blobs, folder.path(), bytes);
  }
  return 0;
}
