#include "runners/node/shared_blobs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "base/sealed_file.h"
#include "runners/node/territory.h"
#include "runners/node/unix_socket.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kTokenMax = 256;

}  // namespace

Result<void> SharedBlobs::LeaveToken(const std::string& name, const std::string& token) const {
  DML_RETURN_IF_ERROR(MakePrivateFolder(folder_));
  return WriteFileAtomic(folder_ + "/" + name + ".token", token);
}

void SharedBlobs::RemoveToken(const std::string& name) const {
  ::unlink((folder_ + "/" + name + ".token").c_str());
}

bool SharedBlobs::HasToken(const std::string& name, const std::string& token) const {
  struct stat info {};
  if (::lstat(folder_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return false;
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) return false;
  const auto there = ReadFileUpTo(folder_ + "/" + name + ".token", kTokenMax);
  return there.ok() && !token.empty() && *there == token;
}

std::string SharedBlobs::PathOf(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return folder_ + "/" + hex.substr(0, 2) + "/" + hex.substr(2);
}

bool SharedBlobs::Holds(const Digest& digest) const { return Touch(PathOf(digest)); }

bool SharedBlobs::Link(const std::string& path, const Digest& digest) const {
  const std::string blob = PathOf(digest);
  if (Holds(digest)) return true;
  if (!MakeDirectories(fs::path(blob).parent_path().string()).ok()) return false;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 0222) != 0) return false;
  return ::link(path.c_str(), blob.c_str()) == 0 || errno == EEXIST;
}

Result<void> SharedBlobs::Put(const std::string& path, const Digest& digest) const {
  if (Link(path, digest)) return {};
  const std::string blob = PathOf(digest);
  // Two nodes may put the same blob at once, so the draft bears the name of this one.
  const std::string draft = fmt::format("{}.{}.{}.part", blob, HostName(), ::gettid());
  std::error_code error;
  fs::copy_file(path, draft, fs::copy_options::overwrite_existing, error);
  const auto copied = error ? Result<Digest>(Digest()) : HashFile(draft);
  if (!error && copied.ok() && *copied == digest) {
    Seal(draft);
    fs::rename(draft, blob, error);
    if (!error) return {};
  }
  ::unlink(draft.c_str());
  if (!error) return Error::Environment("'" + path + "' changed while it was copied");
  return Error::System("cannot store '" + blob + "'", error.value());
}

Result<void> SharedBlobs::Remove() const {
  DML_RETURN_IF_ERROR(RemoveBlobs(folder_));
  std::error_code error;
  std::vector<fs::path> tokens;
  for (fs::directory_iterator it(folder_, error); !error && it != fs::directory_iterator();
       it.increment(error)) {
    if (it->path().extension() == ".token") tokens.push_back(it->path());
  }
  for (const fs::path& token : tokens) ::unlink(token.c_str());
  ::rmdir(folder_.c_str());
  return {};
}

}  // namespace dml::node
