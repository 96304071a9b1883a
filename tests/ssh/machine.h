#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace dml::ssh {

// What a host of the tests is to be.
struct MachinePlan {
  std::string name;                 // its host name
  int number = 1;                   // 1 to 254; makes its address
  std::string shared;               // a folder that is there, too, under the same path
  std::vector<std::string> hidden;  // folders below `shared` that are empty there
  std::string folder;               // one of its own below `shared`, for its root directory
  std::string home;                 // of the tester's account there
  std::string shell;                // its login shell
};

// A host of its own on this machine: a network namespace at the other end of a cable, a mount
// namespace with a root directory that has the system's programs and nothing else, a host name and
// a boot id. Only process numbers are shared, so that tests can look at its processes and end them.
// When the object or its process is gone, so is everything that runs there.
class Machine {
 public:
  // Whether this machine allows it: found out once, by trying. DML_TEST_HOSTS=ports says no. The
  // first call that finds it allowed gives this process a network of its own.
  static bool Allowed();

  // Throws std::runtime_error with what failed.
  explicit Machine(const MachinePlan& plan);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] std::string address() const;
  // In a child between fork and exec: makes it a process of this host.
  [[nodiscard]] bool Enter() const;
  // Where a path of that host is to be found from here.
  [[nodiscard]] std::string FromHere(const std::string& path) const;
  // Everything that runs there.
  [[nodiscard]] std::vector<pid_t> Processes() const;
  // Ends everything that runs there.
  void EndProcesses() const;
  void PullCable(bool pulled) const;
  // It and others that were joined reach each other, by way of this process's network.
  void Join() const;
  // A small disk at that path of it; `noexec`: no program starts from it.
  [[nodiscard]] bool MountSmallDisk(const std::string& path, const std::string& size,
                                    bool noexec = false) const;

 private:
  [[nodiscard]] std::string Cable() const;
  [[nodiscard]] std::string Network() const;

  const int number_;
  pid_t holder_ = 0;  // keeps the namespaces, and ends what runs there when it loses `life_`
  int life_ = -1;
};

}  // namespace dml::ssh
