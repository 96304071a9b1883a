#include "runners/ssh/remote.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "base/files.h"
#include "runners/node/bridge.h"

namespace dml::ssh {

namespace {

constexpr std::string_view kProbeMarker = "\n<<dml-probe>> ";
constexpr std::size_t kReadBytes = 1U << 16;
constexpr std::size_t kMeasuredBytes = 4U << 20;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;
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

// The command line of the upload. Nothing in it is quoted data: paths are of plain characters.
std::string UploadCommand(const Host& host, const WorkerProgram& worker, std::size_t bytes) {
  const std::string bin = host.workdir + "/bin";
  return fmt::format(
      "sh -c 'umask 077; mkdir -p {0} && cat > {0}/new.$$ && test \"$(wc -c < {0}/new.$$)\" -eq "
      "{1} "
      "&& chmod 700 {0}/new.$$ && mv {0}/new.$$ {2} || {{ rm -f {0}/new.$$; exit 1; }}'",
      bin, bytes, RemoteWorkerPath(host, worker));
}

Result<void> Probe(SshSession& session, const Host& host, const WorkerProgram& worker,
                   NodeFacts& facts) {
  const SystemClock clock;
  const Instant before = clock.Now();
  const WallTime wall_before = clock.Wall();
  DML_TRY(const RemoteOutput output,
          RunRemote(session, VerbCommand(host, worker, "probe"), "", kRemoteCommandMax));
  if (output.code == kNotFound || output.code == kNotExecutable) return NotSetUp();
  if (IsBridge(output)) return OnlyBridge();
  auto probe = ParseProbe(output.out);
  if (!probe.ok()) {
    return Error::Environment(
        fmt::format("the worker program does not run there: {}", output.err.substr(0, 300)),
        "run `dml cluster setup`; it runs on Linux of this machine's architecture");
  }
  if (probe->value("sha256", "") != worker.sha256) return NotSetUp();
  // The probe looked at its clock somewhere in between.
  const Duration took = clock.Now() - before;
  const double middle = static_cast<double>(wall_before.us) * 1e-6 + took.seconds() / 2;
  facts.clock_offset_s = probe->value("wall_us", 0.0) * 1e-6 - middle;
  facts.probe = std::move(probe).value();
  facts.set_up = true;
  return {};
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
  DML_TRY(const std::string program, ReadFile(worker.path));
  const SystemClock clock;
  const Instant start = clock.Now();
  DML_TRY(const RemoteOutput output,
          RunRemote(session, UploadCommand(host, worker, program.size()), program, kUploadMax));
  if (output.code != 0) {
    return Error::Environment(
        fmt::format("cannot copy the worker program to {}/bin: {}", host.workdir,
                    output.err.empty() ? "no reason was given" : output.err.substr(0, 300)),
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

Result<RemoteOutput> RunRemote(SshSession& session, const std::string& command,
                               std::string_view input, Duration limit) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  DML_RETURN_IF_ERROR(session.Exec(command));
  RemoteOutput output;
  if (!input.empty()) {
    // A command that ends early, because it is not there, leaves the rest unread.
    if (auto sent = session.Write(input, limit); !sent.ok()) {
      output.code = session.ExitStatus(Duration::Seconds(2));
      output.err = session.said();
      if (output.code >= 0) return output;
      return std::move(sent).error();
    }
  }
  session.CloseInput();
  while (true) {
    if (clock.Now() > deadline) return Error::Environment("the node did not answer in time");
    auto more = session.Read(kReadBytes, Duration::Millis(200));
    if (!more.ok()) break;  // the end of its output
    if (output.out.size() < kRemoteOutputMax) output.out += *more;
  }
  output.code = session.ExitStatus(Duration::Seconds(2));
  output.err = session.said();
  return output;
}

Result<Json> ParseProbe(std::string_view out) {
  const std::string text = "\n" + std::string(out);
  const std::size_t marker = text.rfind(kProbeMarker);
  if (marker == std::string::npos) return Error::Environment("no answer of the probe");
  const std::size_t begin = marker + kProbeMarker.size();
  const std::size_t end = text.find('\n', begin);
  try {
    return Json::parse(text.substr(begin, end - begin));
  } catch (const Json::exception&) {
    return Error::Environment("the probe's answer makes no sense");
  }
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
  } else if (auto probed = Probe(**session, host, worker, facts); !probed.ok()) {
    facts.problem = probed.error();
  } else {
    facts.problem = Judge(facts);
  }
  return facts;
}

NodeFacts SetUpNode(const Host& host, const WorkerProgram& worker, const ConnectOptions& options) {
  NodeFacts facts;
  const auto work = [&]() -> Result<void> {
    DML_TRY(const std::unique_ptr<SshSession> session, Connect(host, options, facts));
    facts.done = "nothing to do";
    if (!Probe(*session, host, worker, facts).ok()) {
      DML_RETURN_IF_ERROR(Upload(*session, host, worker, facts));
      DML_RETURN_IF_ERROR(Probe(*session, host, worker, facts));
      facts.done = "worker program copied";
    } else {
      DML_RETURN_IF_ERROR(MeasureUpload(*session, facts));
    }
    if (auto old = JudgeKernel(facts.probe.value("kernel", ""))) return std::move(*old);
    // The whole way, once: shell, program, agent.
    return StartBridge(*session, host, worker, kRemoteCommandMax);
  };
  const auto worked = work();
  facts.problem = worked.ok() ? Judge(facts) : std::optional<Error>(worked.error());
  facts.set_up &= worked.ok();
  return facts;
}

Result<RemoteOutput> RunVerb(const Host& host, const WorkerProgram& worker,
                             const ConnectOptions& options, const std::string& verb,
                             std::string_view input) {
  Stage reached = Stage::kReach;
  DML_TRY(const std::unique_ptr<SshSession> session, SshSession::Open(host, options, reached));
  DML_TRY(RemoteOutput output,
          RunRemote(*session, VerbCommand(host, worker, verb), input, kUploadMax));
  if (output.code == kNotFound || output.code == kNotExecutable) return NotSetUp();
  if (IsBridge(output)) return OnlyBridge();
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
  while (endless || clock.Now() < deadline) {
    auto more = session->Read(kReadBytes, Duration::Millis(200));
    if (!more.ok()) break;
    // Also when there is nothing: somebody may have gone meanwhile.
    if (!take(*more)) return {};
  }
  const int code = session->ExitStatus(Duration::Seconds(2));
  if (code == 0) return {};
  if (code == kNotFound || code == kNotExecutable) return NotSetUp();
  const std::string& said = session->said();
  return Error::Environment(said.empty() ? "the connection was lost"
                                         : said.substr(0, said.find_last_not_of("\r\n") + 1));
}

}  // namespace dml::ssh
