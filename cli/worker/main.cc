// dml-worker: the part of dml that runs on the nodes of a cluster. One file that needs nothing but
// a kernel; `dml cluster setup` copies it. Every verb but `worker` takes --root DIR, the node's
// folder.
//
//   bridge   carries bytes between its input and output and the agent
//            [--cpus N] [--lease SECONDS] [--silence SECONDS]
//   agent    becomes the resident agent; the same options
//   worker   executes tasks, on descriptor 3
//   probe    prints what this machine is, as JSON
//   exec     runs the command that its input names as a JSON list
//   down     ends the agent and removes what dml has put there [--force yes]
//   gc       removes blobs that were not used lately [--age SECONDS]

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "cli/step_executor.h"
#include "cli/steps_registry.h"
#include "runners/agent/machine.h"
#include "runners/agent/spawn.h"
#include "runners/agent/worker_loop.h"
#include "runners/node/bridge.h"
#include "runners/node/resident.h"
#include "runners/node/upkeep.h"

namespace dml::cli {
namespace {

constexpr int kUsage = 2;
constexpr int kNotFound = 127;
constexpr int kCollectAgeSeconds = 3600;

void Say(int fd, const std::string& text) {
  if (::write(fd, text.data(), text.size()) < 0) return;
}

// "--name value" pairs; false if the line is not made of them.
bool ParseOptions(const std::vector<std::string>& args, std::map<std::string, std::string>& out) {
  if (args.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (!args[i].starts_with("--")) return false;
    out[args[i].substr(2)] = args[i + 1];
  }
  return out.contains("root");
}

std::string SelfPath() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

// `tasks` share this machine; a quarter of its memory is left for everything else.
int Worker(int tasks) {
  // A command that outlives a killed worker must not hold its channel open.
  ::fcntl(agent::kWorkerFd, F_SETFD, FD_CLOEXEC);
  const std::int64_t share = agent::MachineCapacity().memory_bytes / 4 * 3 / std::max(1, tasks);
  StepExecutor executor(BuiltinSteps(), share);
  return agent::ServeWorker(agent::kWorkerFd, executor);
}

int Report(const Result<void>& result) {
  if (!result.ok()) Say(2, result.error().Render() + "\n");
  return result.ok() ? 0 : 1;
}

int Agent(const std::map<std::string, std::string>& options) {
  const runners::Capacity capacity = agent::MachineCapacity();
  node::AgentOptions agent;
  std::error_code ignored;
  agent.root = std::filesystem::absolute(options.at("root"), ignored).string();
  agent.cpus = capacity.cpus;
  agent.memory_bytes = capacity.memory_bytes;
  if (const auto cpus = options.find("cpus"); cpus != options.end()) {
    agent.cpus = std::max(1, std::atoi(cpus->second.c_str()));
  }
  if (const auto lease = options.find("lease"); lease != options.end()) {
    agent.lease = Duration::Seconds(std::max(1, std::atoi(lease->second.c_str())));
  }
  if (const auto silence = options.find("silence"); silence != options.end()) {
    agent.silence = Duration::Seconds(std::max(1, std::atoi(silence->second.c_str())));
  }
  agent.worker_argv = {SelfPath(), "worker",  "--root",
                       agent.root, "--tasks", std::to_string(static_cast<int>(agent.cpus))};
  return Report(node::RunResident(agent));
}

int Probe(const std::string& root) {
  const runners::Capacity capacity = agent::MachineCapacity();
  utsname system{};
  ::uname(&system);
  struct statvfs disk {};
  std::int64_t free = 0;
  if (::statvfs(root.c_str(), &disk) == 0) {
    free = static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize);
  }
  const auto hash = HashFile("/proc/self/exe");
  const Json facts{{"sha256", hash.ok() ? hash->Hex() : ""},
                   {"host", HostName()},
                   {"arch", std::string(system.machine)},
                   {"kernel", std::string(system.release)},
                   {"cpus", capacity.cpus},
                   {"memory", capacity.memory_bytes},
                   {"disk_free", free},
                   {"boot", BootId()},
                   {"node", node::Survey(root)},
                   {"wall_us", SystemClock().Wall().us}};
  Say(1, "\n<<dml-probe>> " + facts.dump() + "\n");
  return 0;
}

// The command comes as data, not as a command line: no shell takes it apart.
int Exec() {
  std::string text;
  char block[4096];
  for (ssize_t got = ::read(0, block, sizeof block); got > 0;
       got = ::read(0, block, sizeof block)) {
    text.append(block, static_cast<std::size_t>(got));
  }
  const Json list = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.empty()) return kUsage;
  std::vector<std::string> words;
  for (const Json& word : list) words.push_back(word.is_string() ? word.get<std::string>() : "");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::close(0);
  if (::open("/dev/null", O_RDONLY) != 0) return kUsage;
  ::execvp(pointers[0], pointers.data());
  Say(2, Error::System("cannot start '" + words[0] + "'", errno).Render() + "\n");
  return kNotFound;
}

int Collect(const std::map<std::string, std::string>& options) {
  const auto age = options.find("age");
  const int seconds = age == options.end() ? kCollectAgeSeconds : std::atoi(age->second.c_str());
  const auto freed = node::CollectGarbage(options.at("root"), Duration::Seconds(seconds));
  if (freed.ok()) Say(1, std::to_string(*freed) + "\n");
  return Report(freed.ok() ? Result<void>() : Result<void>(freed.error()));
}

int Main(std::vector<std::string> args) {
  const std::string command = args.empty() ? "" : args.front();
  std::map<std::string, std::string> options;
  if (!args.empty()) args.erase(args.begin());
  if (!ParseOptions(args, options)) {
    Say(2, "usage: dml-worker bridge|agent|probe|exec|down|gc --root DIR [--name VALUE]...\n");
    return kUsage;
  }
  if (command == "worker") return Worker(std::atoi(options["tasks"].c_str()));
  if (command == "agent") return Agent(options);
  if (command == "probe") return Probe(options.at("root"));
  if (command == "exec") return Exec();
  if (command == "down") {
    return Report(node::TakeDown(options.at("root"), options.contains("force")));
  }
  if (command == "gc") return Collect(options);
  if (command != "bridge") return kUsage;
  std::vector<std::string> agent{SelfPath(), "agent"};
  agent.insert(agent.end(), args.begin(), args.end());
  return node::ServeBridge(options.at("root"), agent);
}

}  // namespace
}  // namespace dml::cli

int main(int argc, char** argv) {
  return dml::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
}
