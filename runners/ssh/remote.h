#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "runners/ssh/bridge_link.h"
#include "runners/ssh/session.h"

// Short conversations with nodes: what `dml cluster` is made of. Each function blocks for as long
// as its limits say at most, and concerns one node; callers run many in parallel.
namespace dml::ssh {

inline constexpr Duration kRemoteCommandMax = Duration::Seconds(30);
inline constexpr Duration kUploadMax = Duration::Seconds(300);
// Beyond the time to connect: what a node may take to say what it is.
inline constexpr Duration kProbeMax = Duration::Seconds(5);
inline constexpr std::size_t kRemoteOutputMax = 16U << 20;

struct RemoteOutput {
  int code = -1;       // 128 + the signal that ended it; -1: the connection broke
  std::string signal;  // "KILL" if one did
  std::string out;
  std::string err;
  bool late = false;  // `limit` has passed: it goes on there
  bool full = false;  // it says more than kRemoteOutputMax on one of the two, and goes on there
};

// Runs one command, feeds it `input`, and waits for its end; not longer than `limit`.
Result<RemoteOutput> RunRemote(SshSession& session, const std::string& command,
                               std::string_view input, Duration limit);

// Of a verb of dml-worker: takes away what shells printed before it began. False, and nothing is
// taken, if it did not begin.
bool SkipNoise(RemoteOutput& output);

// Of Linux on nodes: close_range() came last of what the agent needs.
inline constexpr int kKernelMajorMin = 5;
inline constexpr int kKernelMinorMin = 9;
// Nothing if the agent runs on a kernel that calls itself `release`, as `uname -r` prints it.
[[nodiscard]] std::optional<Error> JudgeKernel(const std::string& release);

// What a node turned out to be.
struct NodeFacts {
  Stage reached = Stage::kReach;
  bool agent_hangs = false;      // it is there and says nothing
  bool lacks_worker = false;     // set-up would copy it
  bool set_up = false;           // the worker program of this dml is there and can run tasks
  std::optional<Error> problem;  // nothing: it can be used
  HostKey host_key;
  std::string cipher;
  Duration connect{0};
  Duration round_trip{0};
  double clock_offset_s = 0;  // of the node against this machine
  double upload_mib_s = 0;    // of the worker program, or of zeros that nobody keeps
  Json probe;                 // see `dml-worker probe`; null if it is not set up
  std::string done;           // what set-up did
};

// Proves who is there and who we are, and nothing else. Why it failed, if it did.
std::optional<Error> LogIn(const Host& host, const ConnectOptions& options, NodeFacts& facts);

// Reads only.
NodeFacts CheckNode(const Host& host, const WorkerProgram& worker, const ConnectOptions& options);

// Makes the node ready: host key, worker program, agent. Does only what is missing.
NodeFacts SetUpNode(const Host& host, const WorkerProgram& worker, const ConnectOptions& options);

// Why the second of two names of one agent cannot be used.
[[nodiscard]] Error TwinOf(const std::string& name);

// Judges nodes together: one agent that is reached by two names would be counted twice.
void JudgeTwins(const std::vector<Host>& hosts, std::vector<NodeFacts>& all);

// Runs `dml-worker <verb> --root <workdir>` on the node, with `input` as its standard input.
// kEnvironment if it takes longer than `limit`, does not begin, or the connection breaks. What a
// command that it was asked to run says and ends with is that command's, also if there is none of
// its name.
Result<RemoteOutput> RunVerb(const Host& host, const WorkerProgram& worker,
                             const ConnectOptions& options, const std::string& verb,
                             std::string_view input, Duration limit = kUploadMax);

// The same without input, for what goes on for long: `take` gets the output as it comes, and false
// from it ends the command. `endless`: no limit of time.
Result<void> StreamVerb(const Host& host, const WorkerProgram& worker,
                        const ConnectOptions& options, const std::string& verb, bool endless,
                        const std::function<bool(std::string_view)>& take);

}  // namespace dml::ssh
