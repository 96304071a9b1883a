#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "runners/ssh/host.h"
#include "tests/ssh/machine.h"

namespace dml::ssh {

// How one server of the tests differs from a plain one.
struct ServerOptions {
  std::string shell = "/bin/sh";  // the login shell of the account
  std::string noise;              // printed before every command: by .bashrc if the shell is bash
  std::string config;             // more lines for its sshd_config
};

// A real OpenSSH server on a host of its own (see machine.h); where this machine does not allow
// that, on the loopback interface with a port and a home folder of its own. Lives as long as the
// object, and no longer than the test.
class Server {
 public:
  // `number`, from 1, makes its address; `hidden`: folders that it must not see.
  Server(const std::string& folder, int number, const std::vector<std::string>& hidden,
         ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void Start();
  // Kills the server and every connection that it serves; what clients started goes on.
  void Stop();
  // Cuts the connections; the server stays.
  void CutConnections() const;
  void NewHostKey();
  // Nothing is carried any more, and nobody is told.
  void PullCable();
  void PlugIn();
  // Hosts that were joined reach each other.
  void Join() const {
    if (machine_) machine_->Join();
  }
  // The power goes and comes back: no process is left, and the boot id is another one.
  void Reboot();
  // Runs a program there, as a command of a client would run; its exit status.
  int RunThere(std::vector<std::string> argv) const;
  // A small disk at a path of it; false where that is not possible.
  [[nodiscard]] bool MountSmallDisk(const std::string& path, const std::string& size,
                                    bool noexec = false) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  // "ssh-ed25519 AAAA...", as known hosts have it.
  [[nodiscard]] std::string HostKey() const;
  [[nodiscard]] std::string address() const { return machine_ ? machine_->address() : "127.0.0.1"; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string home() const { return folder_ + "/home"; }
  // The node's folder, and the process of its agent; 0 if there is none.
  [[nodiscard]] std::string root() const { return home() + "/.dml-node"; }
  [[nodiscard]] pid_t agent() const;
  // The test fails, and nobody gets the signal, if there is none.
  void SignalAgent(int signal) const;
  [[nodiscard]] std::string Log() const;
  // Where a path of that host is to be found from here.
  [[nodiscard]] std::string FromHere(const std::string& path) const;
  // Everything that runs there but the server itself and its connections.
  [[nodiscard]] std::vector<pid_t> Processes() const;

 private:
  void WriteLogin() const;
  [[nodiscard]] std::vector<pid_t> Connections() const;
  [[nodiscard]] std::vector<std::string> Environment() const;

  std::string folder_;
  std::string name_;
  ServerOptions options_;
  std::unique_ptr<Machine> machine_;
  int port_ = 0;
  pid_t pid_ = 0;
  std::vector<pid_t> frozen_;
};

// Some servers, a client key, known hosts and an inventory, in a folder that is removed at the end
// together with every process that was started for it, also if the test is killed. The hosts see
// what is directly in the folder, and neither each other's folders nor `head`.
class SshdFixture {
 public:
  explicit SshdFixture(const std::vector<ServerOptions>& servers);
  ~SshdFixture();

  [[nodiscard]] Server& server(std::size_t i) { return *servers_[i]; }
  [[nodiscard]] std::size_t size() const { return servers_.size(); }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] Host HostOf(std::size_t i) const;
  [[nodiscard]] Cluster AllHosts() const;
  // Writes cluster.yaml and returns its path. `extra`: lines for every host, indented by two.
  std::string WriteInventory(const std::string& extra = "") const;
  // Whether this machine has an sshd at all.
  static bool Available();

 private:
  void StartJanitor();

  std::string folder_;
  std::vector<std::unique_ptr<Server>> servers_;
  int janitor_ = -1;  // closed when the test is over, however it ends
};

}  // namespace dml::ssh
