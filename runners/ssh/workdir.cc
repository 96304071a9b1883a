#include "runners/ssh/workdir.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "runners/node/bridge.h"
#include "runners/node/territory.h"
#include "runners/ssh/bridge_greeting.h"
#include "runners/ssh/verb_words.h"

namespace dml::ssh {

namespace {

// At the beginning of a line, whatever was printed before.
constexpr std::string_view kAnswer = "<<dml-workdir>> ";

// Without a slash at its end and parts that mean nothing.
std::string Plain(const std::string& workdir) {
  const std::filesystem::path plain = std::filesystem::path(workdir).lexically_normal();
  return (plain.has_filename() ? plain : plain.parent_path()).string();
}

// $d: the folder; tag: its marker; say: answers; own: whether it is dml's.
std::string Prelude(const Host& host) {
  return fmt::format(
      "umask 077; CDPATH=; d={0}; tag=$d/{1}; say() {{ echo; echo \"{2}$*\"; }}; "
      "own() {{ test -f $tag && return 0; for g in $d/bin/dml-worker-????????????; do "
      "test -f $g && return 0; done; return 1; }}; ",
      Plain(host.workdir), node::kMarker, kAnswer);
}

// What is done to a folder that is free, after which `say yes` or why not.
constexpr std::string_view kTake = "take() { mkdir -p $d && echo made $n > $tag && say yes; }; ";
constexpr std::string_view kLookOnly =
    "take() { p=$d; while ! test -e $p; do case $p in */?*) p=${p%/*};; *) p=.;; esac; "
    "test -n \"$p\" || p=/; done; "
    "if test -w $p; then say yes; else say no cannot be made: $p may not be written; fi; }; ";

// How many folders have to be made is counted before they are.
constexpr std::string_view kClaim =
    "h=$(cd && pwd -P); r=$(cd $d 2>/dev/null && pwd -P); "
    "if test -z \"$r\" && { test -e $d || test -h $d; }; then say no is not a folder to enter; "
    "elif test \"$r\" = /; then say no is the root of the file system; "
    "elif test -n \"$r\" && test \"$r\" = \"$h\"; then say no is the home folder; "
    "elif test -n \"$r\" && "
    "test \"$(ls -ldn $d/. | { read m l o x; echo $o; })\" != \"$(id -u)\"; "
    "then say no belongs to another user; "
    "elif test -f $tag; then say yes; "
    "else n=1; f=$(ls -A $d 2>/dev/null | head -n 1); "
    "if own; then f=; "
    "elif test -n \"$r\"; then n=0; "
    "else p=$d; while :; do case $p in */?*) p=${p%/*};; *) break;; esac; "
    "test -z \"$p\" && break; test -e $p && break; n=$((n+1)); done; fi; "
    "if test -n \"$f\"; then say other $f; "
    "else take; fi; fi";

constexpr std::string_view kWhose =
    "if own; then say dml; elif test -n \"$(ls -A $d 2>/dev/null)\"; then say others; "
    "else say nobody; fi";

// All that it says on its standard error comes behind the marker of a verb.
std::string Shell(const std::string& script) {
  const std::string_view marker = node::kVerbMarker.substr(0, node::kVerbMarker.size() - 1);
  return fmt::format("sh -c 'echo \"{}\" >&2; {}'", marker, script);
}

Result<RemoteOutput> RunShell(SshSession& session, const std::string& script) {
  return RunRemote(session, Shell(script), "", kRemoteCommandMax);
}

bool IsMissing(const RemoteOutput& output) {
  constexpr int kNotExecutable = 126;
  constexpr int kNotFound = 127;
  return output.code == kNotFound || output.code == kNotExecutable;
}

Result<RemoteOutput> RunDown(SshSession& session, const std::string& command) {
  DML_TRY(RemoteOutput output, RunRemote(session, command, "", kUploadMax));
  SkipNoise(output);
  return output;
}

// Nothing if that is not what the answer of kClaim says.
std::optional<Error> WhyRefused(const Host& host, const std::string& answer) {
  const std::string hint = "name a folder for dml alone with workdir:, a new one or an empty one";
  constexpr std::string_view kOther = "other ";
  constexpr std::string_view kNo = "no ";
  if (answer.starts_with(kOther)) {
    return Error::Environment(fmt::format("'{}' is not a folder of dml: '{}' is in it",
                                          host.workdir, answer.substr(kOther.size())),
                              hint);
  }
  if (answer.starts_with(kNo)) {
    return Error::Environment(
        fmt::format("workdir '{}' {}", host.workdir, answer.substr(kNo.size())), hint);
  }
  return std::nullopt;
}

}  // namespace

std::string ComplaintOf(const RemoteOutput& output) {
  VerbWords script;
  const std::string words = script.Hear(output.err);
  const std::string complaint = Quoted(script.begun() ? words : output.err);
  return complaint.empty() ? "no reason was given" : complaint;
}

std::string WorkdirAnswer(const std::string& out) {
  const std::size_t at = out.rfind(kAnswer);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + kAnswer.size();
  return out.substr(begin, out.find('\n', begin) - begin);
}

Result<void> ClaimWorkdir(SshSession& session, const Host& host) {
  DML_TRY(const RemoteOutput output,
          RunShell(session, Prelude(host) + std::string(kTake) + std::string(kClaim)));
  const std::string answer = WorkdirAnswer(output.out);
  if (answer == "yes") return {};
  if (auto refused = WhyRefused(host, answer)) return std::move(*refused);
  return Error::Environment(
      fmt::format("cannot make the folder {}: {}", host.workdir, ComplaintOf(output)),
      "see that there is space, and that it may be written");
}

Result<void> MayClaimWorkdir(SshSession& session, const Host& host) {
  DML_TRY(const RemoteOutput output,
          RunShell(session, Prelude(host) + std::string(kLookOnly) + std::string(kClaim)));
  if (auto refused = WhyRefused(host, WorkdirAnswer(output.out))) return std::move(*refused);
  return {};
}

std::string UploadCommand(const Host& host, const WorkerProgram& worker, std::size_t bytes) {
  const std::string bin = host.workdir + "/bin";
  // After a failure the rest is taken all the same: who sends it would wait for that.
  return Shell(
      fmt::format("umask 077; mkdir -p {0} && cat > {0}/new.$$ && test \"$(wc -c < {0}/new.$$)\" "
                  "-eq {1} && chmod 700 {0}/new.$$ && mv {0}/new.$$ {2} || "
                  "{{ rm -f {0}/new.$$; cat > /dev/null; exit 1; }}",
                  bin, bytes, RemoteWorkerPath(host, worker)));
}

Result<WorkdirOwner> WhoseWorkdir(SshSession& session, const Host& host) {
  DML_TRY(const RemoteOutput output, RunShell(session, Prelude(host) + std::string(kWhose)));
  const std::string answer = WorkdirAnswer(output.out);
  if (answer == "dml") return WorkdirOwner::kDml;
  if (answer == "others") return WorkdirOwner::kOthers;
  if (answer == "nobody") return WorkdirOwner::kNobody;
  if (output.out.find(node::kBridgeMarker) != std::string::npos) {
    return Error::Environment("this key may start the bridge there, and nothing else",
                              "name a key without command= with identity_file:");
  }
  return Error::Environment("cannot look into " + host.workdir + ": " + ComplaintOf(output));
}

Result<void> UndoUpload(SshSession& session, const Host& host, const WorkerProgram& worker,
                        bool all) {
  const std::string script = fmt::format(
      "rm -f {} $d/bin/new.*; rmdir $d/bin 2>/dev/null; "
      "test \"$(ls -A $d)\" = {} || exit 0; read w n < $tag; rm -f $tag; p=$d; "
      "while test \"$n\" -gt 0; do rmdir $p || break; n=$((n-1)); "
      "case $p in */?*) p=${{p%/*}};; *) break;; esac; done",
      all ? "$d/bin/dml-worker-????????????" : RemoteWorkerPath(host, worker), node::kMarker);
  DML_TRY(const RemoteOutput output, RunShell(session, Prelude(host) + script));
  if (output.code == 0) return {};
  return Error::Environment("cannot tidy up " + host.workdir + ": " + ComplaintOf(output));
}

Result<RemoteOutput> TakeDownNode(const Host& host, const WorkerProgram& worker,
                                  const ConnectOptions& options, const std::string& verb) {
  Stage reached = Stage::kReach;
  DML_TRY(const std::unique_ptr<SshSession> session, SshSession::Open(host, options, reached));
  RemoteOutput output;
  output.code = 0;
  DML_TRY(const WorkdirOwner owner, WhoseWorkdir(*session, host));
  if (owner != WorkdirOwner::kDml) {
    output.out = owner == WorkdirOwner::kNobody
                     ? "nothing of dml is there\n"
                     : host.workdir + " is not a folder of dml: nothing was removed\n";
    return output;
  }
  const std::string command =
      fmt::format("exec {} {} --root {}", RemoteWorkerPath(host, worker), verb, host.workdir);
  DML_TRY(output, RunDown(*session, command));
  if (!IsMissing(output)) return output;
  DML_TRY(const std::string program, ReadFile(worker.path));
  DML_TRY(const RemoteOutput copied,
          RunRemote(*session, UploadCommand(host, worker, program.size()), program, kUploadMax));
  if (copied.code == 0) {
    DML_TRY(output, RunDown(*session, command));
    if (!IsMissing(output)) return output;
  }
  Error why = copied.code == 0 ? WhyNotStarted(*session, host)
                               : Error::Environment("cannot copy the worker program to " +
                                                    host.workdir + "/bin: " + ComplaintOf(copied));
  DML_RETURN_IF_ERROR(UndoUpload(*session, host, worker, /*all=*/true));
  DML_TRY(const WorkdirOwner after, WhoseWorkdir(*session, host));
  output = {};
  output.code = 0;
  if (after == WorkdirOwner::kNobody) return output;
  why.hint = "what dml has put into " + host.workdir + " is still there: remove it by hand, or " +
             (why.hint.empty() ? "try again" : why.hint);
  return why;
}

Error WhyNotStarted(SshSession& session, const Host& host) {
  const auto output =
      RunShell(session, Prelude(host) + "say $(cd $d/bin && pwd -P); cat /proc/self/mountinfo");
  if (output.ok()) {
    const std::string folder = WorkdirAnswer(output->out);
    if (IsNoexec(output->out, folder)) {
      return Error::Environment(
          "the file system of " + folder + " is mounted noexec: no program starts from it",
          "name a folder on another one with workdir:, or have it mounted without noexec");
    }
  }
  return Error::Environment(
      fmt::format("the worker program was copied to {}/bin, and does not start there",
                  host.workdir),
      "it runs on Linux of this machine's architecture; a security module may forbid it");
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime - ext3 /dev/root rw": the fifth word is the place. The last
// one that is said of a place is on top.
bool IsNoexec(const std::string& mountinfo, const std::string& path) {
  constexpr std::size_t kPlace = 4;
  constexpr std::size_t kOptions = 5;
  std::istringstream lines(mountinfo);
  std::size_t longest = 0;
  bool noexec = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream text(line);
    std::vector<std::string> words;
    for (std::string word; words.size() <= kOptions && text >> word;) words.push_back(word);
    if (words.size() <= kOptions || !words[kPlace].starts_with('/')) continue;
    const std::string& place = words[kPlace];
    const std::string below = place == "/" ? place : place + "/";
    if (!(path + "/").starts_with(below) || place.size() < longest) continue;
    longest = place.size();
    noexec = ("," + words[kOptions] + ",").find(",noexec,") != std::string::npos;
  }
  return noexec;
}

}  // namespace dml::ssh
