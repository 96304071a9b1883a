// What a node can do to a run: any frames on its connection, while it has two attempts and another
// node has one. Every attempt ends at most once, that of the other node not at all; logs hold what
// was sent and no more; nothing outside of the folders of its attempts changes.
//
// The first byte: 1: the connection breaks, and what follows is said on the next one; 2, 4: an
// attempt is to be killed before that. The next two: after how many bytes of the rest it breaks.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "runners/ssh/ssh_runner.h"
#include "tests/fuzz/scratch_folder.h"
#include "tests/ssh/scripted_node.h"

namespace {

namespace fs = std::filesystem;
namespace runners = dml::runners;
using dml::ssh::ScriptedNode;
using runners::AttemptKey;

void Require(bool right) {
  if (!right) std::abort();
}

constexpr std::size_t kHeadBytes = 3;
constexpr std::uint32_t kOthers = 2;  // the task that the other node has

AttemptKey KeyOf(std::uint32_t task) {
  return {dml::RunId{1}, dml::TaskId(task), dml::AttemptNumber{1}};
}

class CountingSink final : public runners::EventSink {
 public:
  void Post(runners::RunnerEvent event) override {
    const std::lock_guard lock(mutex_);
    if (const auto* exited = std::get_if<runners::AttemptExited>(&event)) End(exited->key);
    if (const auto* lost = std::get_if<runners::AttemptLost>(&event)) End(lost->key);
    if (const auto* started = std::get_if<runners::AttemptStarted>(&event)) NotEnded(started->key);
    if (const auto* progress = std::get_if<runners::AttemptProgress>(&event)) {
      NotEnded(progress->key);
    }
  }

 private:
  void NotEnded(const AttemptKey& key) {
    Require(key == KeyOf(0) || key == KeyOf(1));
    Require(!ends_.contains(key));
  }
  void End(const AttemptKey& key) {
    NotEnded(key);
    ends_[key] = true;
  }

  std::mutex mutex_;
  std::map<AttemptKey, bool> ends_;
};

runners::LaunchSpec Launch(const std::string& folder, std::uint32_t task) {
  runners::LaunchSpec spec;
  spec.key = KeyOf(task);
  spec.task_name = "t" + std::to_string(task);
  spec.work = runners::Command{{"true"}, "/w", {{"o", "x"}}, {}, true};
  spec.attempt_dir = folder + "/attempt" + std::to_string(task);
  spec.log_path = folder + "/logs/" + std::to_string(task) + ".log";
  spec.outputs.resize(1);
  spec.outputs[0].name = "o";
  spec.outputs[0].kind = dml::PortKind::kFile;
  spec.labels = {task == kOthers ? "good" : "bad"};
  // The second waits for an input that the node has to ask for.
  const std::string path = folder + "/input";
  if (task == 1)
    spec.inputs = {{"in", dml::PortKind::kFile, {{"x", path, 1, dml::Sha256::Of("x")}}, {}}};
  return spec;
}

void CheckFolder(const std::string& folder, std::size_t said) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    Require(name == "input" || name == "logs" || name == "attempt0" || name == "attempt1");
  }
  if (!fs::exists(folder + "/logs")) return;
  for (const auto& entry : fs::directory_iterator(folder + "/logs")) {
    const std::string name = entry.path().filename().string();
    Require(name == "0.log" || name == "1.log");
    Require(entry.file_size() <= said);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dml::fuzz::ScratchFolder scratch;
  if (size < kHeadBytes) return 0;
  const std::string folder = scratch.path() + "/run";
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(folder + "/input") << "x";
  const std::string_view said(reinterpret_cast<const char*>(data) + kHeadBytes, size - kHeadBytes);
  const bool breaks = (data[0] & 1U) != 0;
  const std::size_t where = data[1] + std::size_t{256} * data[2];
  const std::string_view first = breaks ? said.substr(0, where) : said;

  CountingSink sink;
  ScriptedNode good;
  ScriptedNode bad;
  dml::ssh::ClusterOptions options;
  for (const char* name : {"good", "bad"}) {
    dml::ssh::Host host;
    host.name = host.address = name;
    host.labels = {name};
    options.cluster.hosts.push_back(host);
  }
  options.client = "fuzzer";
  options.link_to = [&](const dml::ssh::Host& host, const dml::ssh::WorkerProgram&,
                        const dml::ssh::LinkOptions&,
                        std::function<void(dml::ssh::LinkEvent)> report) {
    std::string greeting;
    runners::AppendFrame(runners::FrameType::kAttached,
                         dml::node::Encode(ScriptedNode::Greeting(host.name, host.name == "good")),
                         greeting);
    return (host.name == "good" ? good : bad).Link(std::move(report), greeting);
  };
  auto runner = dml::ssh::SshRunner::Connect(std::move(options), sink);
  Require(runner.ok());
  Require((*runner)->Launch({Launch(folder, 0), Launch(folder, 1), Launch(folder, kOthers)}).ok());
  Require(bad.Hear(runners::FrameType::kLaunch).has_value());
  bad.Say(first);
  bad.Close();
  for (std::uint32_t task = 0; task < 2; ++task) {
    if ((data[0] >> task & 2U) != 0) (*runner)->Kill(KeyOf(task), runners::KillMode::kTerminate);
  }
  bad.GoDown();
  if (breaks) {
    bad.ComeUp("");
    bad.Say(said.substr(first.size()));
    bad.Close();
  }
  Require((*runner)->Total().memory_bytes >= 0);
  for (std::uint32_t task = 0; task <= kOthers; ++task) (*runner)->Release(KeyOf(task));
  (*runner)->Shutdown();
  runner->reset();
  CheckFolder(folder, said.size());
  return 0;
}
