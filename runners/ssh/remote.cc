#include "runners/ssh/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <map>
#include <utility>

#include "base/files.h"
#include "base/quantity.h"
#include "runners/api/frame.h"
#include "runners/node/bridge.h"
#include "runners/ssh/bridge_greeting.h"
#include "runners/ssh/node_probe.h"
#include "runners/ssh/verb_words.h"
#include "runners/ssh/workdir.h"

namespace dml::ssh {

namespace {

constexpr std::size_t kReadBytes = 1U << 16;
constexpr std::size_t kMeasuredBytes = 4U << 20;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
constexpr int kSignalled = 128;
// More than this, and times in logs of different nodes confuse people. Nothing else depends on it.
constexpr double kClockOffsetMax = 60;
constexpr std::int64_t kDiskFreeMin = 256 << 20;

Error NotSetUp() {
  return Error::Environment("the worker program is not there", "run `dml cluster setup`");
}

// What a key with command= starts, whatever it is asked for.
bool IsBridge(const RemoteOutput& output) {
  return output.out.find(node::kBridgeMarker) != std::string::npos;
}

Error OnlyBridge() {
  return Error::Environment("this key may start the bridge there, and nothing else",
                            "name a key without command= with identity_file:");
}

std::string VerbCommand(const Host& host, const WorkerProgram& worker, const std::string& verb) {
  return fmt::format("exec {} {} --root {}", RemoteWorkerPath(host, worker), verb, host.workdir);
}

Result<void> Probe(SshSession& session, const Host& host, const WorkerProgram& worker,
                   Duration limit, NodeFacts& facts) {
  const SystemClock clock;
  const Instant before = clock.Now();
  const WallTime wall_before = clock.Wall();
  facts.lacks_worker = false;
  DML_TRY(RemoteOutput output, RunRemote(session, VerbCommand(host, worker, "probe"), "", limit));
  SkipNoise(output);
  facts.lacks_worker = output.code == kNotFound || output.code == kNotExecutable;
  if (facts.lacks_worker) return NotSetUp();
  if (IsBridge(output)) return OnlyBridge();
  auto probe = ParseProbe(output.out);
  if (!probe.ok()) {
    const bool endless = output.late || output.full;
    // A program that is damaged ends by a signal; a shell that ends says what it wants to.
    facts.lacks_worker = !endless && (output.code < 0 || output.code > kNotFound);
    if (!facts.lacks_worker) return NoAnswer(output.out + output.err, endless);
    return Error::Environment(
        fmt::format("the worker program does not run there: {}", ComplaintOf(output)),
        "run `dml cluster setup`; it runs on Linux of this machine's architecture");
  }
  facts.lacks_worker = probe->value("sha256", "") != worker.sha256;
  if (facts.lacks_worker) return NotSetUp();
  // The probe looked at its clock somewhere in between.
  const Duration took = clock.Now() - before;
  const double middle = static_cast<double>(wall_before.us) * 1e-6 + took.seconds() / 2;
  facts.clock_offset_s = probe->value("wall_us", 0.0) * 1e-6 - middle;
  facts.probe = std::move(probe).value();
  // No agent could begin there.
  const Json node = facts.probe.value("node", Json::object());
  if (const std::string refused = node.value("refused", ""); !refused.empty()) {
    return Error::Environment(Quoted(refused), Quoted(node.value("remedy", "")));
  }
  facts.set_up = true;
  return {};
}

// Whether the agent, which is there, is also awake: it answers a sign of life before anything else,
// whoever asks, and this leaves nothing behind.
Result<void> AskAgent(SshSession& session, const Host& host, const WorkerProgram& worker,
                      Duration limit, NodeFacts& facts) {
  const int agent = facts.probe.value("node", Json::object()).value("agent", 0);
  DML_RETURN_IF_ERROR(StartBridge(session, host, worker, kRemoteCommandMax));
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  std::string ping;
  runners::AppendFrame(runners::FrameType::kPing, "", ping);
  DML_RETURN_IF_ERROR(session.Write(ping, limit));
  runners::FrameDecoder decoder;
  while (clock.Now() < deadline) {
    auto more = session.Read(kReadBytes, Duration::Millis(200));
    if (!more.ok()) break;
    decoder.Feed(*more);
    const auto frame = decoder.Next();
    if (!frame.ok()) break;
    if (*frame && (*frame)->type == runners::FrameType::kPong) return {};
  }
  facts.agent_hangs = true;
  facts.set_up = false;
  return Error::Environment(
      agent > 0 ? fmt::format("its agent, the process {} there, does not answer", agent)
                : std::string("its agent does not answer"),
      "if it was stopped, `kill -CONT` it there; else `dml cluster down --force --only " +
          host.name + "` and `dml cluster setup`, which ends what it runs");
}

std::optional<Error> Judge(NodeFacts& facts) {
  if (auto old = JudgeKernel(facts.probe.value("kernel", ""))) {
    facts.set_up = false;
    return old;
  }
  if (facts.probe.value("disk_free", std::int64_t{0}) < kDiskFreeMin) {
    return Error::Environment("less than 256 MiB are free on its disk",
                              "free space there, or run `dml cluster gc`");
  }
  if (std::fabs(facts.clock_offset_s) > kClockOffsetMax) {
    return Error::Invalid(fmt::format("its clock is off by {:.0f} s", facts.clock_offset_s),
                          "start an NTP service there; tasks run all the same");
  }
  return std::nullopt;
}

Result<std::unique_ptr<SshSession>> Connect(const Host& host, const ConnectOptions& options,
                                            NodeFacts& facts) {
  const SystemClock clock;
  const Instant start = clock.Now();
  DML_TRY(std::unique_ptr<SshSession> session, SshSession::Open(host, options, facts.reached));
  facts.connect = clock.Now() - start;
  facts.host_key = session->host_key();
  facts.cipher = session->cipher();
  facts.round_trip = session->RoundTrip();
  return session;
}

double MibPerSecond(std::size_t bytes, Duration took) {
  return static_cast<double>(bytes) / (1 << 20) / std::max(1e-6, took.seconds());
}

Result<void> Upload(SshSession& session, const Host& host, const WorkerProgram& worker,
                    NodeFacts& facts) {
  DML_RETURN_IF_ERROR(ClaimWorkdir(session, host));
  DML_TRY(const std::string program, ReadFile(worker.path));
  const SystemClock clock;
  const Instant start = clock.Now();
  DML_TRY(const RemoteOutput output,
          RunRemote(session, UploadCommand(host, worker, program.size()), program, kUploadMax));
  if (output.code != 0) {
    static_cast<void>(UndoUpload(session, host, worker, /*all=*/false));
    return Error::Environment(
        fmt::format("cannot copy the worker program to {}/bin: {}", host.workdir,
                    ComplaintOf(output)),
        "see that there is space, and that the folder may be written and holds programs (noexec)");
  }
  facts.upload_mib_s = MibPerSecond(program.size(), clock.Now() - start);
  return {};
}

// Of zeros, which no part of an SSH connection makes smaller.
Result<void> MeasureUpload(SshSession& session, NodeFacts& facts) {
  const std::string zeros(kMeasuredBytes, '\0');
  const SystemClock clock;
  const Instant start = clock.Now();
  DML_TRY(const RemoteOutput output,
          RunRemote(session, "cat > /dev/null", zeros, kRemoteCommandMax));
  if (output.code == 0) facts.upload_mib_s = MibPerSecond(zeros.size(), clock.Now() - start);
  return {};
}

}  // namespace

std::optional<Error> JudgeKernel(const std::string& release) {
  int major = 0;
  int minor = 0;
  const char* const end = release.data() + release.size();
  const auto [dot, bad] = std::from_chars(release.data(), end, major);
  // One that names itself otherwise is given the benefit of the doubt.
  if (bad != std::errc() || dot == end || *dot != '.') return std::nullopt;
  if (std::from_chars(dot + 1, end, minor).ec != std::errc()) return std::nullopt;
  if (std::pair(major, minor) >= std::pair(kKernelMajorMin, kKernelMinorMin)) return std::nullopt;
  return Error::Environment(
      fmt::format("its kernel is Linux {}, and dml needs {}.{} or newer there", release,
                  kKernelMajorMin, kKernelMinorMin),
      "take it out of the inventory, or upgrade it");
}

namespace {

// As shells count, 0 if it has no number of its own in the protocol.
int NumberOf(const std::string& signal) {
  static const std::map<std::string, int> numbers{
      {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
      {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
      {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}};
  const auto found = numbers.find(signal);
  return found == numbers.end() ? 0 : found->second;
}

void TakeEnd(SshSession& session, RemoteOutput& output) {
  output.code = session.ExitStatus(Duration::Seconds(2));
  output.signal = session.signal();
  output.err = session.said();
  if (output.code < 0 && !output.signal.empty()) output.code = kSignalled + NumberOf(output.signal);
}

}  // namespace

Result<RemoteOutput> RunRemote(SshSession& session, const std::string& command,
                               std::string_view input, Duration limit) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  DML_RETURN_IF_ERROR(session.Exec(command, kRemoteOutputMax));
  RemoteOutput output;
  if (!input.empty()) {
    // A command that ends early, because it is not there, leaves the rest unread.
    if (auto sent = session.Write(input, limit); !sent.ok()) {
      TakeEnd(session, output);
      if (output.code >= 0) return output;
      return std::move(sent).error();
    }
  }
  session.CloseInput();
  while (true) {
    output.late = clock.Now() > deadline;
    output.full = std::max(output.out.size(), session.said().size()) >= kRemoteOutputMax;
    if (output.late || output.full) {
      output.err = session.said();
      return output;
    }
    auto more = session.Read(kReadBytes, Duration::Millis(200));
    if (!more.ok()) break;  // the end of its output
    output.out += *more;
  }
  TakeEnd(session, output);
  return output;
}

std::optional<Error> LogIn(const Host& host, const ConnectOptions& options, NodeFacts& facts) {
  const auto session = Connect(host, options, facts);
  return session.ok() ? std::nullopt : std::optional<Error>(session.error());
}

NodeFacts CheckNode(const Host& host, const WorkerProgram& worker, const ConnectOptions& options) {
  NodeFacts facts;
  auto session = Connect(host, options, facts);
  if (!session.ok()) {
    facts.problem = session.error();
    return facts;
  }
  const Duration limit = options.timeout + kProbeMax;
  auto looked = Probe(**session, host, worker, limit, facts);
  const bool agent = looked.ok() && facts.probe.value("node", Json::object()).value("agent", 0) > 0;
  if (facts.lacks_worker) {
    if (auto claim = MayClaimWorkdir(**session, host); !claim.ok()) looked = std::move(claim);
  }
  if (agent) looked = AskAgent(**session, host, worker, options.timeout, facts);
  facts.problem = looked.ok() ? Judge(facts) : std::optional<Error>(looked.error());
  return facts;
}

NodeFacts SetUpNode(const Host& host, const WorkerProgram& worker, const ConnectOptions& options) {
  NodeFacts facts;
  const auto work = [&]() -> Result<void> {
    DML_TRY(const std::unique_ptr<SshSession> session, Connect(host, options, facts));
    const Duration limit = options.timeout + kProbeMax;
    const Result<void> probed = Probe(*session, host, worker, limit, facts);
    if (!probed.ok()) {
      // No copy mends a shell that does not let commands through.
      if (!facts.lacks_worker) return probed.error();
      DML_RETURN_IF_ERROR(Upload(*session, host, worker, facts));
      if (auto started = Probe(*session, host, worker, limit, facts); !started.ok()) {
        Error why = facts.lacks_worker ? WhyNotStarted(*session, host) : started.error();
        static_cast<void>(UndoUpload(*session, host, worker, /*all=*/false));
        return why;
      }
      facts.done = "worker program copied";
    } else {
      DML_RETURN_IF_ERROR(MeasureUpload(*session, facts));
    }
    if (auto old = JudgeKernel(facts.probe.value("kernel", ""))) return std::move(*old);
    // The whole way, once: shell, program, agent.
    DML_RETURN_IF_ERROR(AskAgent(*session, host, worker, options.timeout, facts));
    if (facts.done.empty()) facts.done = "nothing to do";
    return {};
  };
  const auto worked = work();
  facts.problem = worked.ok() ? Judge(facts) : std::optional<Error>(worked.error());
  facts.set_up &= worked.ok();
  return facts;
}

void JudgeTwins(const std::vector<Host>& hosts, std::vector<NodeFacts>& all) {
  std::map<std::string, std::size_t> first;  // by agent, and where it is
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json& probe = all[i].probe;
    if (!probe.is_object()) continue;
    const int agent = probe.value("node", Json::object()).value("agent", 0);
    if (agent == 0 || !all[i].set_up) continue;
    const std::string where =
        fmt::format("{} {} {}", probe.value("boot", ""), probe.value("host", ""), agent);
    const auto [twin, fresh] = first.emplace(where, i);
    if (fresh) continue;
    all[i].problem = TwinOf(hosts[twin->second].name);
    all[i].set_up = false;
  }
}

Error TwinOf(const std::string& name) {
  return Error::Environment(
      "it is the same machine and workdir as " + name,
      "leave one of them out of the inventory, or give it a workdir: of its own");
}

bool SkipNoise(RemoteOutput& output) {
  VerbWords out;
  VerbWords err;
  std::string out_words = out.Hear(output.out);
  std::string err_words = err.Hear(output.err);
  if (!out.begun() || !err.begun()) return false;
  output.out = std::move(out_words);
  output.err = std::move(err_words);
  return true;
}

namespace {

// Why a verb did not begin, of which shells said `noise`.
Error NotBegun(int code, const std::string& noise, bool endless) {
  if (endless || (code >= 0 && code != kNotFound && code != kNotExecutable && !noise.empty())) {
    return NoAnswer(noise, endless);
  }
  if (code < 0) {
    return Error::Environment("the connection was lost before the worker program began there");
  }
  if (code == kNotFound || code == kNotExecutable) return NotSetUp();
  return Error::Environment(
      fmt::format("the worker program does not run there: it ends with exit code {}", code),
      "run `dml cluster setup`");
}

// What it was about when the time was over.
Error NotDone(Duration limit, const std::string& said) {
  return Error::Environment("not done after " + FormatDuration(limit) + "; it may go on there" +
                                (said.empty() ? "" : "; its last words: " + Quoted(said)),
                            "see what hangs there");
}

}  // namespace

Result<RemoteOutput> RunVerb(const Host& host, const WorkerProgram& worker,
                             const ConnectOptions& options, const std::string& verb,
                             std::string_view input, Duration limit) {
  Stage reached = Stage::kReach;
  DML_TRY(const std::unique_ptr<SshSession> session, SshSession::Open(host, options, reached));
  DML_TRY(RemoteOutput output, RunRemote(*session, VerbCommand(host, worker, verb), input, limit));
  if (!SkipNoise(output)) {
    if (IsBridge(output)) return OnlyBridge();
    return NotBegun(output.code, output.out + output.err, output.late || output.full);
  }
  if (output.late && !output.full) return NotDone(limit, output.out);
  if (!output.full && output.code < 0) {
    return Error::Environment("the connection was lost, and nobody knows how it ended there");
  }
  return output;
}

Result<void> StreamVerb(const Host& host, const WorkerProgram& worker,
                        const ConnectOptions& options, const std::string& verb, bool endless,
                        const std::function<bool(std::string_view)>& take) {
  Stage reached = Stage::kReach;
  DML_TRY(const std::unique_ptr<SshSession> session, SshSession::Open(host, options, reached));
  DML_RETURN_IF_ERROR(session->Exec(VerbCommand(host, worker, verb)));
  const SystemClock clock;
  const Instant deadline = clock.Now() + kRemoteCommandMax;
  VerbWords words;
  bool late = true;
  while (clock.Now() < deadline || (endless && words.begun())) {
    auto more = session->Read(kReadBytes, Duration::Millis(200));
    late = more.ok();
    if (!more.ok()) break;
    // Also when there is nothing: somebody may have gone meanwhile.
    if (!take(words.Hear(*more))) return {};
    if (words.begun()) continue;
    if (words.noise().find(node::kBridgeMarker) != std::string::npos) return OnlyBridge();
    if (words.noise().size() > kRemoteOutputMax) break;
  }
  if (late && words.begun()) return NotDone(kRemoteCommandMax, "");
  const int code = late ? -1 : session->ExitStatus(Duration::Seconds(2));
  VerbWords complaint;
  std::string said = complaint.Hear(session->said());
  if (!words.begun()) return NotBegun(code, words.noise() + session->said(), late);
  if (code == 0) return {};
  if (said.empty()) return Error::Environment("the connection was lost");
  said.erase(said.find_last_not_of("\r\n") + 1);
  return Error::Environment(said);
}

}  // namespace dml::ssh
