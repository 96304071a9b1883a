#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/cluster/history.h"
#include "tests/e2e/program.h"
#include "tests/ssh/fault_proxy.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::cluster {

// The whole program on three hosts, each behind a bad network, and a pipeline whose tasks wait in
// the middle until the test lets them go on: a packed table that goes to every host, six tasks
// that read it, and one that waits for all of them.
class Scenario : public e2e::EndToEnd {
 protected:
  static constexpr int kTasks = 6;

  explicit Scenario(
      const std::vector<ssh::ServerOptions>& servers = std::vector<ssh::ServerOptions>(3));

  // `dml` with the cluster and its keys in the environment.
  [[nodiscard]] e2e::Finished Dml(const std::vector<std::string>& args) const;
  [[nodiscard]] e2e::Program StartDml(const std::vector<std::string>& args,
                                      std::vector<std::string> env = {}) const;
  // `dml run` of the pipeline on the cluster, in the home of that name.
  [[nodiscard]] e2e::Program StartRun(const std::string& home = "there",
                                      std::vector<std::string> env = {}) const;
  // Lets every task go on.
  void OpenGate() const;
  // How often tasks began, and which.
  [[nodiscard]] std::multiset<std::string> Begun() const;
  [[nodiscard]] std::multiset<std::string> BegunOn(std::size_t server) const;
  void AwaitBegun(std::size_t count) const;
  // How many commands of such tasks live on a host.
  [[nodiscard]] std::size_t Commands(std::size_t server);
  // What the head said so far contains this.
  static void AwaitSaid(const e2e::Program& program, const std::string& text);
  // The program ends well.
  void ExpectDone(e2e::Program& program);
  // The history of a run of that home is as if nothing had happened.
  void ExpectGoodHistory(const std::string& home = "there");
  // `dml cluster down` leaves no file and no process on any node.
  void ExpectNothingIsLeftAfterDown();

  ssh::SshdFixture servers_;
  std::vector<std::unique_ptr<ssh::FaultProxy>> proxies_;

 private:
  void WriteInventory() const;
  void WritePipeline() const;
  void RunAlone();
};

}  // namespace dml::cluster
