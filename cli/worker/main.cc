// dml-worker: the part of dml that runs on the nodes of a cluster. One file that needs nothing but
// a kernel; `dml cluster setup` copies it. Every verb but `worker` takes --root DIR, the node's
// folder.
//
//   bridge   carries bytes between its input and output and the agent
//            [--cpus N] [--slots N] [--memory BYTES] [--lease SECONDS] [--silence SECONDS]
//   agent    becomes the resident agent; the same options
//   worker   executes tasks, on descriptor 3
//   probe    prints what this machine is, as JSON
//   exec     runs the command that its input names as a JSON list
//   env      prints its environment
//   logs     prints what happened there [--lines N] [--follow yes]
//   drain    lets no new tasks begin; its input is the reason. undrain: lets them begin
//   down     ends the agent and removes what dml has put there [--force yes] [--shared DIR]
//   gc       removes blobs that were not used lately [--age SECONDS] [--shared DIR]

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_descriptor.h"
#include "base/files.h"
#include "base/open_files.h"
#include "base/process.h"
#include "cli/pipeline/steps_registry.h"
#include "cli/worker/step_executor.h"
#include "runners/agent/machine.h"
#include "runners/agent/spawn.h"
#include "runners/agent/worker_loop.h"
#include "runners/node/bridge.h"
#include "runners/node/drain.h"
#include "runners/node/journal.h"
#include "runners/node/resident.h"
#include "runners/node/upkeep.h"

namespace dml::cli {
namespace {

constexpr int kUsage = 2;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kCollectAgeSeconds = 3600;
constexpr std::size_t kInputMax = 16U << 20;
constexpr int kLogLines = 100;

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

std::int64_t MemoryOf(const std::map<std::string, std::string>& options) {
  const std::int64_t all = agent::MachineCapacity().memory_bytes;
  const auto given = options.find("memory");
  const std::int64_t least = 1 << 20;
  return given == options.end() ? all
                                : std::clamp<std::int64_t>(std::atoll(given->second.c_str()), least,
                                                           std::max(least, all));
}

// `tasks` share `memory`; a quarter of it is left for everything else.
int Worker(int tasks, std::int64_t memory) {
  // A command that outlives a killed worker must not hold its channel open.
  ::fcntl(agent::kWorkerFd, F_SETFD, FD_CLOEXEC);
  const std::int64_t share = memory / 4 * 3 / std::max(1, tasks);
  StepExecutor executor(BuiltinSteps(), share);
  return agent::ServeWorker(agent::kWorkerFd, executor);
}

int Report(const Result<void>& result) {
  if (!result.ok()) Say(2, result.error().Render() + "\n");
  return result.ok() ? 0 : 1;
}

int Agent(const std::map<std::string, std::string>& options) {
  RaiseOpenFiles();
  const runners::Capacity capacity = agent::MachineCapacity();
  node::AgentOptions agent;
  std::error_code ignored;
  agent.root = std::filesystem::absolute(options.at("root"), ignored).string();
  agent.cpus = capacity.cpus;
  agent.memory_bytes = MemoryOf(options);
  agent.program = SelfPath();
  if (const auto cpus = options.find("cpus"); cpus != options.end()) {
    agent.cpus = std::max(1, std::atoi(cpus->second.c_str()));
  }
  if (const auto slots = options.find("slots"); slots != options.end()) {
    agent.tasks = std::max(1, std::atoi(slots->second.c_str()));
  }
  if (const auto lease = options.find("lease"); lease != options.end()) {
    agent.lease = Duration::Seconds(std::max(1, std::atoi(lease->second.c_str())));
  }
  if (const auto silence = options.find("silence"); silence != options.end()) {
    agent.silence = Duration::Seconds(std::max(1, std::atoi(silence->second.c_str())));
  }
  agent.worker_argv = {SelfPath(), "worker",
                       "--root",   agent.root,
                       "--tasks",  std::to_string(static_cast<int>(agent.cpus)),
                       "--memory", std::to_string(agent.memory_bytes)};
  const Result<void> begun = node::RunResident(agent);
  const bool there = !begun.ok() && begun.error().kind == ErrorKind::kBusy;
  return there ? node::kAgentThereExit : Report(begun);
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
  // A reason to drain it, or the name of a host, may be of any bytes.
  Say(1, "\n<<dml-probe>> " + CanonicalJson(facts) + "\n");
  return 0;
}

std::string ReadInput() {
  std::string text;
  char block[4096];
  for (ssize_t got = ::read(0, block, sizeof block); got > 0 && text.size() < kInputMax;
       got = ::read(0, block, sizeof block)) {
    text.append(block, static_cast<std::size_t>(got));
  }
  return text;
}

// As shells say it and count it.
int CannotExec(const std::string& command, int code) {
  const bool absent = code == ENOENT && command.find('/') == std::string::npos;
  Say(2, absent ? "command not found: " + command + "\n"
                : "cannot start '" + command + "': " + std::strerror(code) + "\n");
  return code == ENOENT ? kNotFound : kNotExecutable;
}

// The command comes as data, not as a command line: no shell takes it apart.
int Exec() {
  const std::string text = ReadInput();
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
  return CannotExec(words[0], errno);
}

int Collect(const std::map<std::string, std::string>& options) {
  const auto age = options.find("age");
  const int seconds = age == options.end() ? kCollectAgeSeconds : std::atoi(age->second.c_str());
  const auto shared = options.find("shared");
  const auto freed = node::CollectGarbage(options.at("root"), Duration::Seconds(seconds),
                                          shared == options.end() ? "" : shared->second);
  if (freed.ok()) Say(1, std::to_string(*freed) + "\n");
  return Report(freed.ok() ? Result<void>() : Result<void>(freed.error()));
}

int Logs(const std::map<std::string, std::string>& options) {
  const auto lines = options.find("lines");
  const int count = lines == options.end() ? kLogLines : std::atoi(lines->second.c_str());
  return Report(node::CopyJournal(options.at("root"), count, options.contains("follow"), 1));
}

int PrintEnvironment() {
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) text += std::string(*entry) + '\0';
  return WriteAll(1, text) == 0 ? 0 : 1;
}

int TakeDown(const std::map<std::string, std::string>& options) {
  const auto shared = options.find("shared");
  const auto stays = node::TakeDown(options.at("root"), options.contains("force"),
                                    shared == options.end() ? "" : shared->second);
  if (!stays.ok()) return Report(stays.error());
  if (stays->empty()) return 0;
  std::string names;
  for (const std::string& name : *stays) names += (names.empty() ? "'" : ", '") + name + "'";
  Say(1, "what is not of dml stays in " + options.at("root") + ": " + names + "\n");
  return 0;
}

// What a person may ask of a node, besides the bridge.
int Verb(const std::string& verb, const std::map<std::string, std::string>& options) {
  const std::string& root = options.at("root");
  if (verb == "env") return PrintEnvironment();
  for (const int fd : {1, 2}) Say(fd, std::string(node::kVerbMarker));
  if (verb == "probe") return Probe(root);
  if (verb == "exec") return Exec();
  if (verb == "logs") return Logs(options);
  if (verb == "drain") return Report(node::Drain(root, ReadInput()));
  if (verb == "undrain") return Report(node::Undrain(root));
  if (verb == "gc") return Collect(options);
  return verb == "down" ? TakeDown(options) : kUsage;
}

int Main(std::vector<std::string> args) {
  const std::string command = args.empty() ? "" : args.front();
  std::map<std::string, std::string> options;
  if (!args.empty()) args.erase(args.begin());
  if (!ParseOptions(args, options)) {
    Say(2,
        "usage: dml-worker bridge|agent|probe|exec|logs|drain|undrain|down|gc --root DIR "
        "[--name VALUE]...\n");
    return kUsage;
  }
  if (command == "worker") {
    return Worker(std::atoi(options["tasks"].c_str()), MemoryOf(options));
  }
  if (command == "agent") return Agent(options);
  if (command != "bridge") return Verb(command, options);
  std::vector<std::string> agent{SelfPath(), "agent"};
  agent.insert(agent.end(), args.begin(), args.end());
  return node::ServeBridge(options.at("root"), agent);
}

}  // namespace
}  // namespace dml::cli

int main(int argc, char** argv) {
  return dml::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
}
