#include "cli/hooks/run_hooks.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/quantity.h"
#include "base/redactor.h"
#include "cli/child.h"
#include "cli/hooks/shown_url.h"
#include "cli/inspect/runs.h"
#include "cli/signals.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/report/run_json.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/expressions/reference.h"
#include "runners/agent/orphans.h"
#include "runners/agent/strays.h"

namespace dml::cli {

namespace {

std::vector<const char*> EventsOf(const std::string& outcome) {
  if (outcome == state::RunOutcomeName(state::RunOutcome::kSucceeded)) return {"success", "finish"};
  if (outcome == state::RunOutcomeName(state::RunOutcome::kFailed)) return {"failure", "finish"};
  // For want of a disk, a worker or a node; whoever resumes it hears of that end as well.
  if (outcome == state::RunOutcomeName(state::RunOutcome::kInterrupted)) {
    return {"failure", "finish"};
  }
  return {"finish"};
}

// Values of ${env.X} and ${file:x}, which are read only now, and blotted out of what is shown.
class Secrets {
 public:
  Result<std::string> Fill(const std::string& text) {
    DML_TRY(const pipelines::Template parsed, pipelines::ParseTemplate(text));
    std::string out = parsed.literals[0];
    for (std::size_t i = 0; i < parsed.references.size(); ++i) {
      DML_TRY(const std::string value, Lookup(parsed.references[i]));
      if (!value.empty()) values_.push_back(value);
      out += value + parsed.literals[i + 1];
    }
    return out;
  }

  [[nodiscard]] std::string Blotted(const std::string& text) const {
    return Redactor(values_)(text);
  }

 private:
  static Result<std::string> Lookup(const pipelines::Reference& reference) {
    if (reference.root == pipelines::ReferenceRoot::kEnv) {
      const char* value = std::getenv(reference.path.c_str());
      if (value != nullptr) return std::string(value);
      return Error::Invalid("the environment variable '" + reference.path + "' is not set");
    }
    if (reference.root == pipelines::ReferenceRoot::kFile) {
      DML_TRY(std::string content, ReadFile(reference.path));
      if (content.ends_with('\n')) content.pop_back();
      return content;
    }
    return Error::Invalid(reference.text + " has no value when a run is over");
  }

  std::vector<std::string> values_;
};

// One hook with nothing left to fill in.
struct Prepared {
  std::vector<std::string> argv;
  Child::Options options;
};

// A text between quotes of curl's configuration.
std::string CurlQuoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c != '\r') {
      out += c;
    }
  }
  return out + "\"";
}

// Address and headers go through stdin: command lines can be read by everybody on the machine.
Result<Prepared> PrepareWebhook(const Json& hook, Secrets& secrets, const std::string& body) {
  DML_TRY(const std::string url, secrets.Fill(hook["webhook"].get<std::string>()));
  std::map<std::string, std::string> headers{{"Content-Type", "application/json"}};
  if (hook.contains("headers")) {
    for (const auto& [name, value] : hook["headers"].items()) {
      DML_TRY(headers[name], secrets.Fill(value.get<std::string>()));
    }
  }
  Prepared out;
  if (url.starts_with("http://")) {
    out.argv = {"/proc/self/exe", "webhook"};
    // A secret may hold any bytes, and JSON cannot.
    const Json request{{"url", url}, {"headers", headers}, {"body", body}};
    Json::to_cbor(request, out.options.input);
    return out;
  }
  if (!url.starts_with("https://")) {
    return Error::Invalid("a webhook begins with https:// or http://");
  }
  out.argv = {"curl", "--config", "-"};
  out.options.input = "silent\nshow-error\nfail\nurl = " + CurlQuoted(url) + "\n";
  for (const auto& [name, value] : headers) {
    out.options.input += "header = " + CurlQuoted(name + ": " + value) + "\n";
  }
  out.options.input += "output = /dev/null\ndata-binary = " + CurlQuoted(body) + "\n";
  return out;
}

Result<Prepared> Prepare(const Json& hook, Secrets& secrets, const std::string& body) {
  if (hook.contains("webhook")) return PrepareWebhook(hook, secrets, body);
  Prepared out;
  out.options.input = body;
  const Json& run = hook["run"];
  if (run.is_string()) {
    DML_TRY(const std::string script, secrets.Fill(run.get<std::string>()));
    out.argv = {"/bin/sh", "-c", script};
  } else {
    for (const Json& word : run) {
      DML_TRY(std::string filled, secrets.Fill(word.get<std::string>()));
      out.argv.push_back(std::move(filled));
    }
  }
  if (hook.contains("env")) {
    for (const auto& [name, value] : hook["env"].items()) {
      DML_TRY(out.options.env[name], secrets.Fill(value.get<std::string>()));
    }
  }
  return out;
}

// The end of what a hook has said, fit to be one line of a message.
std::string LastWords(std::string text) {
  constexpr std::size_t kBytesMax = 400;
  while (text.ends_with('\n')) text.pop_back();
  text = Harmless(std::string_view(text).substr(text.rfind('\n') + 1));
  if (text.size() <= kBytesMax) return text;
  std::size_t start = text.size() - kBytesMax;
  const auto inside = [&](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (start < text.size() && inside(text[start])) ++start;
  return "..." + text.substr(start);
}

// What `dml webhook` and curl say of a post, without how they begin: "error: ", "curl: (7) ".
std::string WithoutSpeaker(const std::string& text) {
  if (text.starts_with("error: ")) return text.substr(7);
  const std::size_t end = text.find(") ");
  return text.starts_with("curl: (") && end != std::string::npos ? text.substr(end + 2) : text;
}

// "webhook https://example.org/done" or "hook", for messages.
std::string NameOf(const Json& hook) {
  if (!hook.contains("webhook")) return "hook";
  return "webhook " + ShownUrl(hook["webhook"].get<std::string>());
}

bool HasEnded(int pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  return stat.ok() && stat->find(") Z ") != std::string::npos;
}

// What a hook leaves running ends with it, as with a step: also what has left its group. If this
// process is killed, whoever keeps the hook ends it; the mark lets a later dml find what is left if
// both are.
Result<ChildEnd> RunAsStep(Prepared& prepared, const std::string& home, Duration timeout,
                           const std::stop_token& stop) {
  prepared.options.env[agent::kOwnerVariable] = agent::OwnerMark(home);
  std::vector<std::string> kept{"/proc/self/exe", "keep", "--parent", std::to_string(::getpid()),
                                "--"};
  kept.insert(kept.end(), prepared.argv.begin(), prepared.argv.end());
  agent::AdoptStrays();
  auto end = RunChild(kept, prepared.options, timeout, stop);
  agent::EndStrays([](int pid) { return agent::IsMarked(pid) || HasEnded(pid); });
  return end;
}

struct Ended {
  std::string event;
  Json run;
  std::string home;
  std::string folder;  // of the pipeline
};

// "" if it went well, else what went wrong.
std::string RunOne(const Json& hook, const Ended& ended, const std::stop_token& stop) {
  Secrets secrets;
  Json document = ended.run;
  document["event"] = ended.event;
  auto prepared = Prepare(hook, secrets, CanonicalJson(document));
  if (!prepared.ok()) return prepared.error().message;
  prepared->options.directory = ended.folder;
  prepared->options.env.insert({{"DML_EVENT", ended.event},
                                {"DML_RUN", ended.run.value("run", "")},
                                {"DML_OUTCOME", ended.run.value("outcome", "")},
                                {"DML_HOME", ended.home}});
  const Duration timeout{hook.value("timeout", Duration::Seconds(30).ns)};
  const auto end = RunAsStep(*prepared, ended.home, timeout, stop);
  if (!end.ok()) return end.error().Render();
  if (end->cancelled) return "ended on request";
  const bool posts = hook.contains("webhook");
  if (end->timed_out) {
    return (posts ? "no answer within " : "killed after its timeout of ") + FormatDuration(timeout);
  }
  if (end->code == 0) return {};
  std::string last = LastWords(secrets.Blotted(end->output));
  if (posts) last = WithoutSpeaker(last);
  if (posts && !last.empty()) return last;
  return fmt::format("exit code {}{}{}", end->code, last.empty() ? "" : ": ", last);
}

Result<Ended> Collect(const engine::Home& home, const OpenedPipeline& pipeline, RunId run) {
  DML_TRY(OpenedRun opened, OpenRun(home.path(), fmt::format("r{}", run.value)));
  DML_TRY(const report::RunFacts facts, FactsOf(opened, /*with_panels=*/false));
  std::error_code ignored;
  const auto path = std::filesystem::absolute(pipeline.path, ignored);
  return Ended{{}, report::RunJson(facts), home.path(), path.parent_path().string()};
}

// All hooks of an outcome in their order, with their events.
std::vector<std::pair<std::string, Json>> HooksOf(const Json& hooks, const std::string& outcome) {
  std::vector<std::pair<std::string, Json>> all;
  for (const char* event : EventsOf(outcome)) {
    if (!hooks.contains(event)) continue;
    for (const Json& hook : hooks[event]) all.emplace_back(event, hook);
  }
  return all;
}

// What is left of a run's hooks, from the one that is due. Each is done when the store says so:
// until then a crash has it run again.
Result<void> RunRest(const engine::Home& home, state::RunStore& store,
                     const OpenedPipeline& pipeline, RunId run, const std::stop_token& stop,
                     const Output& output) {
  DML_TRY(Ended ended, Collect(home, pipeline, run));
  const auto hooks = HooksOf(pipeline.hooks, ended.run.value("outcome", ""));
  DML_TRY(const int due, store.DueHook(run));
  for (auto i = static_cast<std::size_t>(due - 1); due > 0 && i < hooks.size(); ++i) {
    if (stop.stop_requested()) break;
    const auto& [event, hook] = hooks[i];
    ended.event = event;
    const std::string problem = RunOne(hook, ended, stop);
    CrashPoint("hook.ended");
    if (i + 1 < hooks.size()) {
      DML_RETURN_IF_ERROR(store.SetDueHook(run, static_cast<int>(i) + 2));
    }
    if (problem.empty()) continue;
    output.Warn(fmt::format("the {} of on.{} failed: {}", Harmless(NameOf(hook)), event,
                            Harmless(problem)));
  }
  return store.SetDueHook(run, 0);
}

Result<engine::FileLock> TakeHooks(const engine::Home& home, RunId run) {
  const std::string path = home.RunLockPath(run) + ".hooks";
  auto lock = engine::FileLock::Take(path, fmt::format("r{}", run.value));
  if (lock.ok() || lock.error().kind != ErrorKind::kBusy) return lock;
  const auto owner = engine::FileLock::Owner(path);
  return Error::Busy(fmt::format("the hooks of r{} are at work in process {}", run.value,
                                 owner ? owner->process.pid : 0),
                     "wait for it; what they say is said there");
}

// Nobody else is at them, and they are not done.
Result<void> RunAlone(const engine::Home& home, const OpenedPipeline& pipeline, RunId run,
                      const std::stop_token& stop, const Output& output) {
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(const int due, store.DueHook(run));
  if (due == 0) return {};
  const auto lock = TakeHooks(home, run);
  if (!lock.ok()) return {};
  return RunRest(home, store, pipeline, run, stop, output);
}

std::string CannotRun(const Error& why) { return "the hooks of on: cannot run: " + why.message; }

// What is wrong with it is a message: the document on stdout is the command's.
Result<OpenedPipeline> Reopen(state::RunStore& store, RunId run) {
  DML_TRY(const state::RunHeader header, store.Header(run));
  DML_TRY(engine::RunRequest request, engine::RequestFromJson(header.options));
  const Output messages{CommonOptions{}};
  return ReopenPipeline(header.file, request.sets, request.sources, messages, request.at);
}

// Whether the key `on:` stands in a text of YAML, in whatever style; other text may look like it.
bool SpeaksOfOn(std::string_view text) {
  constexpr std::string_view kBefore = " \n{,\"'";
  constexpr std::string_view kAfter = " \t\"'";
  for (std::size_t at = text.find("on"); at != std::string_view::npos;
       at = text.find("on", at + 1)) {
    if (at > 0 && kBefore.find(text[at - 1]) == std::string_view::npos) continue;
    const std::size_t end = text.find_first_not_of(kAfter, at + 2);
    if (end != std::string_view::npos && text[end] == ':') return true;
  }
  return false;
}

}  // namespace

void RunHooks(const engine::Home& home, const OpenedPipeline& pipeline, RunId run,
              const std::stop_token& stop, const Output& output) {
  if (pipeline.hooks.empty()) return;
  const auto done = RunAlone(home, pipeline, run, stop, output);
  if (!done.ok()) output.Warn(CannotRun(done.error()));
}

bool GivesUpHooks(int signal) { return signal != SIGHUP; }

Result<std::vector<RunId>> RunDueHooks(const engine::Home& home, const HookOwners& owners,
                                       const Output& output) {
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(std::vector<RunId> due, store.RunsWithDueHooks());
  std::erase_if(due, [&](RunId run) {
    if (owners.run) return run != *owners.run;
    if (owners.file.empty()) return false;
    const auto header = store.Header(run);
    return !header.ok() || header->file != owners.file;
  });
  if (due.empty()) return due;
  // Of the one that was at work when its dml was killed.
  DML_TRY(std::ignore, agent::EndOrphans(home.path()));
  std::stop_source stop;
  const SignalWatcher signals([&](int signal, int) {
    if (GivesUpHooks(signal)) stop.request_stop();
  });
  std::vector<RunId> told;
  for (const RunId run : due) {
    if (stop.stop_requested()) break;
    const auto lock = TakeHooks(home, run);
    if (!lock.ok() && owners.run) return lock.error();
    if (!lock.ok()) continue;
    DML_TRY(const int next, store.DueHook(run));
    told.push_back(run);
    if (next == 0) continue;
    const auto pipeline = Reopen(store, run);
    if (!pipeline.ok()) {
      output.Warn(
          fmt::format("the hooks of r{} cannot run: {}", run.value, pipeline.error().message));
      continue;
    }
    output.Note(fmt::format("running the hooks of r{}, which was killed before it did", run.value));
    const auto done = RunRest(home, store, *pipeline, run, stop.get_token(), output);
    if (!done.ok()) output.Warn(CannotRun(done.error()));
  }
  return told;
}

bool MayHaveHooks(state::RunStore& store, RunId run) {
  const auto header = store.Header(run);
  return header.ok() && SpeaksOfOn(header->pipeline);
}

}  // namespace dml::cli
