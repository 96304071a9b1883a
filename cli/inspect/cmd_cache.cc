#include "cli/inspect/cmd_cache.h"

#include <fmt/format.h>

#include "base/counted.h"
#include "base/quantity.h"
#include "cli/inspect/cmd_explain.h"
#include "cli/run/local_runner.h"
#include "cli/run/run_options.h"
#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/engine/store_care.h"
#include "orchestrator/engine/store_verify.h"
#include "orchestrator/report/text_table.h"
#include "orchestrator/state/cache_store.h"

namespace dml::cli {

namespace {

struct OpenedCache {
  engine::Home home;
  state::CacheStore cache;
};

Result<OpenedCache> OpenCache(const std::string& home_flag) {
  DML_RETURN_IF_ERROR(CheckStoreIsThere(home_flag));
  DML_TRY(engine::Home home, OpenHome(home_flag));
  DML_TRY(state::CacheStore cache, state::CacheStore::Open(home.DatabasePath()));
  return OpenedCache{std::move(home), std::move(cache)};
}

Result<OpenedCache> OpenCacheToAsk(const std::string& home_flag) {
  DML_RETURN_IF_ERROR(CheckStoreIsThere(home_flag));
  DML_TRY(engine::Home home, OpenHomeToAsk(home_flag));
  if (!home.read_only()) return OpenCache(home_flag);
  DML_TRY(state::CacheStore cache,
          state::CacheStore::Open(home.DatabasePath(), state::OpenMode::kReadOnly));
  return OpenedCache{std::move(home), std::move(cache)};
}

struct Size {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
};

Size SizeOf(const state::CacheRow& row) {
  Size size;
  for (const Artifact& output : row.outputs) {
    for (const ArtifactFile& file : output.files) {
      ++size.files;
      size.bytes += file.size;
    }
  }
  return size;
}

Result<ExitCode> RunLs(int limit, const std::string& home_flag, const Output& output) {
  DML_TRY(OpenedCache opened, OpenCacheToAsk(home_flag));
  DML_TRY(std::vector<state::CacheRow> rows, opened.cache.List());
  std::erase_if(rows, [](const state::CacheRow& row) { return !row.reusable; });
  const std::size_t total = rows.size();
  if (rows.size() > static_cast<std::size_t>(limit)) rows.resize(static_cast<std::size_t>(limit));
  Json list = Json::array();
  report::TextTable table({{"key"},
                           {"task"},
                           {"run"},
                           {"created"},
                           {"files", report::Align::kRight},
                           {"size", report::Align::kRight}});
  for (const state::CacheRow& row : rows) {
    const Size size = SizeOf(row);
    const std::string run = row.task.empty() ? "" : fmt::format("r{}", row.run.value);
    list.push_back({{"key", row.key.Hex()},
                    {"task", row.task.empty() ? Json() : Json(row.task)},
                    {"run", run.empty() ? Json() : Json(run)},
                    {"created", FormatUtc(row.created)},
                    {"files", size.files},
                    {"bytes", size.bytes}});
    table.AddRow({row.key.Short(), Harmless(row.task), run, FormatUtc(row.created).substr(0, 19),
                  std::to_string(size.files), FormatSize(size.bytes)});
  }
  if (output.format() == Format::kJson) {
    output.PrintJson({{"results", list}, {"total", total}});
    return ExitCode::kDone;
  }
  output.Print(table.Render(static_cast<std::size_t>(output.result_width())));
  output.Print(Counted(total, "result") + "\n");
  return ExitCode::kDone;
}

struct GcOptions {
  int keep_runs = 10;
  std::vector<std::string> forgotten_homes;
  bool dry_run = false;
};

Result<ExitCode> RunGc(const GcOptions& options, const std::string& home_flag,
                       const Output& output) {
  DML_TRY(OpenedCache opened, OpenCache(home_flag));
  if (options.dry_run && !options.forgotten_homes.empty()) {
    return Error::Invalid("--forget-home is for good, and --dry-run changes nothing",
                          "leave one of them out");
  }
  for (const std::string& path : options.forgotten_homes) {
    DML_RETURN_IF_ERROR(engine::ForgetHome(opened.home, path));
  }
  if (!options.dry_run) {
    engine::Inbox inbox;
    DML_TRY(const auto runner, MakeLocalRunner(/*jobs=*/1, opened.home.path(), inbox));
    DML_RETURN_IF_ERROR(engine::TidyDeadRuns(opened.home, *runner));
    runner->Shutdown();
  }
  DML_TRY(const engine::GarbageReport report,
          engine::CollectGarbage(opened.home, opened.cache, options.keep_runs, options.dry_run));
  if (output.format() == Format::kJson) {
    output.PrintJson({{"dry_run", options.dry_run},
                      {"results", report.results},
                      {"files", report.files},
                      {"bytes", report.bytes},
                      {"kept_files", report.kept_files},
                      {"attempts", report.attempts},
                      {"checkpoints", report.checkpoints}});
    return ExitCode::kDone;
  }
  output.Print(fmt::format(
      "{} {} and {} of {}; {} {}\n", options.dry_run ? "would remove" : "removed",
      Counted(report.results, "result"), Counted(report.files, "file"), FormatSize(report.bytes),
      Counted(report.kept_files, "file"), report.kept_files == 1 ? "stays" : "stay"));
  return ExitCode::kDone;
}

std::string TaskOr(const std::string& task, const Digest& key) {
  return task.empty() ? "a result " + key.Short() + " of no task" : Harmless(task);
}

std::string Time(WallTime time) { return FormatUtc(time).substr(0, 23); }

Json VerifyJson(const engine::VerifyReport& report) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(text);
  };
  Json damaged = Json::array();
  for (const engine::DamagedFile& file : report.damaged) {
    damaged.push_back({{"path", file.path}, {"tasks", file.tasks}});
  }
  Json dropped = Json::array();
  for (const engine::DoubtfulResult& result : report.dropped) {
    dropped.push_back({{"task", text_or_null(result.task)},
                       {"key", result.key.Hex()},
                       {"home", text_or_null(result.home)},
                       {"created", FormatUtc(result.created)},
                       {"file", result.file},
                       {"changed", FormatUtc(result.changed)}});
  }
  Json incomplete = Json::array();
  for (const engine::IncompleteResult& result : report.incomplete) {
    incomplete.push_back({{"task", text_or_null(result.task)},
                          {"key", result.key.Hex()},
                          {"files", result.files},
                          {"files_missing", result.files_missing}});
  }
  return {{"files", report.files},         {"bytes", report.bytes},
          {"damaged", std::move(damaged)}, {"removed", report.removed},
          {"dropped", std::move(dropped)}, {"incomplete", std::move(incomplete)}};
}

void PrintVerify(const engine::VerifyReport& report, const Output& output) {
  for (const engine::DamagedFile& file : report.damaged) {
    output.Print(
        fmt::format("damaged, {}: {} ({})\n", report.removed ? "removed" : "still there", file.path,
                    file.tasks.empty() ? "of no task"
                                       : Harmless(fmt::format("{}", fmt::join(file.tasks, ", ")))));
  }
  for (const engine::DoubtfulResult& result : report.dropped) {
    output.Print(fmt::format("dropped: {}{}: made at {}, from {}, which was written at {}\n",
                             TaskOr(result.task, result.key),
                             result.home.empty() ? "" : " of " + result.home, Time(result.created),
                             result.file, Time(result.changed)));
  }
  for (const engine::IncompleteResult& result : report.incomplete) {
    output.Print(fmt::format("missing: {} of {} of {}\n", result.files_missing,
                             Counted(result.files, "file"), TaskOr(result.task, result.key)));
  }
  std::string verdict = report.files == 0 ? "" : "all are what their names say";
  if (!report.damaged.empty()) verdict = fmt::format("{} damaged", report.damaged.size());
  if (!report.dropped.empty()) {
    verdict += fmt::format(", {} dropped that may have read them",
                           Counted(report.dropped.size(), "result"));
  }
  if (!report.incomplete.empty()) {
    verdict += fmt::format("{}{} {} files", verdict.empty() ? "" : "; ",
                           Counted(report.incomplete.size(), "result"),
                           report.incomplete.size() == 1 ? "lacks" : "lack");
  }
  const bool whole = report.damaged.empty() && report.incomplete.empty();
  if (!whole && report.removed) verdict += "; the next run that needs them makes them again";
  if (!report.removed) verdict += "; the home cannot be written: verify it where it can";
  output.Print(fmt::format("{}, {}{}{}\n", Counted(report.files, "file"), FormatSize(report.bytes),
                           verdict.empty() ? "" : ": ", verdict));
}

Result<ExitCode> RunVerify(const std::string& home_flag, const Output& output) {
  DML_TRY(OpenedCache opened, OpenCacheToAsk(home_flag));
  DML_TRY(const engine::VerifyReport report, engine::VerifyStore(opened.home, opened.cache));
  if (output.format() == Format::kJson) {
    output.PrintJson(VerifyJson(report));
  } else {
    PrintVerify(report, output);
  }
  return report.damaged.empty() ? ExitCode::kDone : ExitCode::kInfrastructure;
}

Action SetupCacheLs(Args& args, CommonOptions& common) {
  auto limit = std::make_shared<int>(50);
  args.Number("-n,--limit", "N", *limit, 1, 1'000'000, "the newest N results (default: 50)");
  args.Example("dml cache ls", "what can be reused, the newest first");
  return [limit, &common](Output& output) { return RunLs(*limit, common.home, output); };
}

Action SetupCacheGc(Args& args, CommonOptions& common) {
  auto options = std::make_shared<GcOptions>();
  args.Number("--keep-runs", "N", options->keep_runs, 0, 1'000'000,
              "keep what the newest N runs of each pipeline have (default: 10)");
  args.Values("--forget-home", "DIR", options->forgotten_homes,
              "a home that shared the store and was deleted needs nothing of it any more");
  args.Flag("-n,--dry-run", options->dry_run, "only say what would be removed");
  args.Describe(
      "Removes results that no recent run has, and files of no result. What a run that can be\n"
      "resumed needs stays, however old it is. With DML_CACHE what other homes need stays as "
      "well;\n"
      "as long as one of them cannot be asked nothing is removed.");
  args.Example("dml cache gc --keep-runs 3", "keep the results of three runs of each pipeline");
  return [options, &common](Output& output) { return RunGc(*options, common.home, output); };
}

Action SetupCacheVerify(Args& args, CommonOptions& common) {
  args.Describe(
      "Reads every file of the store and removes those whose content has changed, and with them\n"
      "the results that may have been made from the changed content. The next run makes these,\n"
      "and nothing else, again. Exit code 3 if there were any. Also says which results lack "
      "files.");
  args.Example("dml cache verify", "after a disk error, or to be sure");
  return [&common](Output& output) { return RunVerify(common.home, output); };
}

}  // namespace

std::span<const Command> CacheCommands() {
  static constexpr Command kCommands[] = {
      {"why", "say why a task ran or was reused", SetupExplain},
      {"ls", "list the results that can be reused", SetupCacheLs},
      {"gc", "remove results that nobody needs", SetupCacheGc},
      {"verify", "find damaged files in the store", SetupCacheVerify},
  };
  return kCommands;
}

}  // namespace dml::cli
