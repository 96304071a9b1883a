#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/ssh_runner.h"
#include "tests/runners/recording_sink.h"
#include "tests/send_signal.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {

namespace fs = std::filesystem;
using runners::AttemptKey;
using runners::LaunchSpec;
using runners::RecordingSink;

// Servers, a runner over them, and scripts as attempts.
class ClusterFixture : public ::testing::Test {
 protected:
  explicit ClusterFixture(const std::vector<ServerOptions>& servers = std::vector<ServerOptions>(3))
      : servers_(servers) {
    // Under a sanitizer, the nodes run the program of an ordinary build: it is quick to copy.
    const char* other = std::getenv("DML_TEST_WORKER");
    ::setenv("DML_WORKER", other != nullptr ? other : DML_BINARY_DIR "/dml-worker", 1);
    auto worker = FindWorkerProgram();
    EXPECT_TRUE(worker.ok());
    worker_ = *worker;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      EXPECT_EQ(SetUpHost(servers_.HostOf(i)), "worker program copied");
    }
  }

  std::string SetUpHost(const Host& host) {
    ConnectOptions options;
    options.timeout = Duration::Seconds(30);
    options.accept_unknown = [](const Host&, const HostKey&) { return true; };
    const NodeFacts facts = SetUpNode(host, worker_, options);
    EXPECT_FALSE(facts.problem.has_value()) << facts.problem->message;
    return facts.done;
  }

  void Connect(Cluster cluster, const std::string& client = "tester") {
    Connect(std::move(cluster), client, sink_);
  }
  void Connect(Cluster cluster, const std::string& client, RecordingSink& sink) {
    ClusterOptions options;
    options.cluster = std::move(cluster);
    options.worker = worker_;
    options.client = client;
    options.home = home_;
    options.lease_margin = lease_margin_;
    options.full_pause = full_pause_;
    options.over = [this](RunId) { return over_; };
    options.link.silence = silence_;
    options.link.backoff = Duration::Millis(50);
    options.link.backoff_max = Duration::Millis(200);
    options.notice = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      notices_ += text + "\n";
    };
    auto runner = SshRunner::Connect(std::move(options), sink);
    ASSERT_TRUE(runner.ok()) << runner.error().message;
    runner_ = std::move(runner).value();
  }

  // Another agent instead of the one that set-up has started, with options of its own.
  void RestartAgent(std::size_t i, const std::vector<std::string>& options) {
    const Server& server = servers_.server(i);
    WaitUntil([&] { return server.agent() > 0; }, "the agent has begun");
    const pid_t before = server.agent();
    SendSignal(before, SIGKILL);
    WaitUntil([&] { return server.agent() == 0; }, "the agent ends");
    const std::string program = server.home() + "/" + RemoteWorkerPath(servers_.HostOf(i), worker_);
    std::vector<std::string> argv{program, "agent", "--root", server.root()};
    argv.insert(argv.end(), options.begin(), options.end());
    EXPECT_EQ(server.RunThere(argv), 0);
    WaitUntil([&] { return server.agent() > 0; }, "the agent begins");
  }

  // A shell script as an attempt with an output port "o", which the script writes as "o.txt".
  LaunchSpec Script(std::size_t task, const std::string& script) {
    LaunchSpec spec = runners::CommandSpec(task, {"/bin/sh", "-c", script}, servers_.folder());
    spec.attempt_dir = servers_.Path("head/attempt" + std::to_string(task));
    spec.log_path = servers_.Path("head/logs/" + std::to_string(task) + ".log");
    auto& command = std::get<runners::Command>(spec.work);
    command.work_dir = spec.attempt_dir + "/work";
    command.outputs = {{"o", "o.txt"}};
    spec.outputs.resize(1);
    spec.outputs[0].name = "o";
    spec.outputs[0].kind = PortKind::kFile;
    return spec;
  }

  // A file of this machine as the input port "in" of an attempt, linked at "in.dat" there.
  void AddInput(LaunchSpec& spec, const std::string& content) {
    const std::string path = servers_.Path("blob-" + Sha256::Of(content).Short());
    std::ofstream(path, std::ios::binary) << content;
    Artifact artifact;
    artifact.port = "in";
    artifact.files = {
        {"in.dat", path, static_cast<std::int64_t>(content.size()), Sha256::Of(content)}};
    spec.inputs.push_back(artifact);
    std::get<runners::Command>(spec.work).inputs = {{"in", "in.dat"}};
  }

  std::string OutputOf(const LaunchSpec& spec) {
    const auto text = ReadFile(spec.attempt_dir + "/out/o/o.txt");
    return text.ok() ? *text : "(" + text.error().message + ")";
  }
  std::string LogOf(const LaunchSpec& spec) {
    const auto text = ReadFile(spec.log_path);
    return text.ok() ? *text : "";
  }

  static void WaitUntil(const std::function<bool()>& condition, const char* what) {
    for (int i = 0; i < 6000; ++i) {
      if (condition()) return;
      ::poll(nullptr, 0, 10);
    }
    ADD_FAILURE() << "never happened: " << what;
  }
  std::string Notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }

  SshdFixture servers_;
  WorkerProgram worker_;
  RecordingSink sink_;
  std::mutex mutex_;
  std::string notices_;
  bool over_ = false;  // what the store says of runs that are not driven here
  Duration lease_margin_ = kLeaseMargin;
  Duration full_pause_ = kFullPause;
  Duration silence_ = kSilenceMax;
  std::string home_;
  std::unique_ptr<SshRunner> runner_;  // the last: its threads use the others to the end
};

}  // namespace dml::ssh
