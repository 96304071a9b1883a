#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "runners/ssh/host.h"

namespace dml::ssh {

// How one server of the tests differs from a plain one.
struct ServerOptions {
  std::string shell = "/bin/sh";  // what runs the commands of clients
  std::string noise;              // printed before every command, as a .bashrc might
  std::string config;             // more lines for its sshd_config
};

// A real OpenSSH server on the loopback interface, with a port, a host key and a home folder of its
// own. Lives as long as the object.
class Server {
 public:
  Server(const std::string& folder, const std::string& name, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void Start();
  // Kills the server and every connection that it serves; what clients started goes on.
  void Stop();
  // Cuts the connections; the server stays.
  void CutConnections() const;
  void NewHostKey();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string home() const { return folder_ + "/home"; }
  // The node's folder, and the process of its agent; 0 if there is none.
  [[nodiscard]] std::string root() const { return home() + "/.dml-node"; }
  [[nodiscard]] pid_t agent() const;
  [[nodiscard]] std::string Log() const;

 private:
  [[nodiscard]] std::vector<pid_t> Descendants() const;

  std::string folder_;
  std::string name_;
  ServerOptions options_;
  int port_ = 0;
  pid_t pid_ = 0;
};

// Some servers, a client key, known hosts and an inventory, in a folder that is removed at the end
// together with every process that was started for it.
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
  std::string folder_;
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace dml::ssh
