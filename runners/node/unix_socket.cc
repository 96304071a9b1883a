#include "runners/node/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"

namespace dml::node {

namespace {

constexpr int kBacklog = 64;

struct Place {
  int folder_fd = -1;
  sockaddr_un address{};
};

Result<Place> PlaceOf(const std::string& folder, const std::string& name) {
  Place place;
  place.folder_fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place.folder_fd < 0) return Error::System("cannot open '" + folder + "'", errno);
  place.address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", place.folder_fd, name);
  std::memcpy(place.address.sun_path, path.c_str(), path.size() + 1);
  return place;
}

const sockaddr* AsAddress(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<int> ListenAt(const std::string& folder, const std::string& name) {
  DML_TRY(const Place place, PlaceOf(folder, name));
  ::unlinkat(place.folder_fd, name.c_str(), 0);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool bound = fd >= 0 && ::bind(fd, AsAddress(place.address), sizeof place.address) == 0 &&
                     ::listen(fd, kBacklog) == 0;
  const int code = errno;
  ::close(place.folder_fd);
  if (bound) return fd;
  if (fd >= 0) ::close(fd);
  return Error::System("cannot listen at '" + folder + "/" + name + "'", code);
}

Result<int> ConnectTo(const std::string& folder, const std::string& name) {
  DML_TRY(const Place place, PlaceOf(folder, name));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      fd >= 0 && ::connect(fd, AsAddress(place.address), sizeof place.address) == 0;
  const int code = errno;
  ::close(place.folder_fd);
  if (connected) return fd;
  if (fd >= 0) ::close(fd);
  return Error::System("cannot connect to '" + folder + "/" + name + "'", code);
}

int AcceptOwn(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return -1;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid()) {
    return fd;
  }
  ::close(fd);
  return -1;
}

Result<void> MakePrivateFolder(const std::string& folder) {
  const mode_t before = ::umask(077);
  auto made = MakeDirectories(folder);
  ::umask(before);
  if (!made.ok()) return made;
  return CheckPrivateFolder(folder);
}

Result<void> CheckPrivateFolder(const std::string& folder) {
  struct stat info {};
  if (::stat(folder.c_str(), &info) != 0) {
    return Error::System("cannot open '" + folder + "'", errno);
  }
  if (info.st_uid != ::geteuid()) {
    return Error::Environment("'" + folder + "' belongs to another user",
                              "name a folder of your own with workdir:");
  }
  if ((info.st_mode & 077) != 0) {
    return Error::Environment("'" + folder + "' is open to other users", "chmod 700 " + folder);
  }
  return {};
}

}  // namespace dml::node
