#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/quantity.h"
#include "cli/pipeline/pipeline_file.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/schedule_home.h"
#include "orchestrator/report/text_table.h"
#include "orchestrator/schedule/time_text.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::cli {

namespace {

using report::Align;
using report::TextTable;

std::size_t Width(const Output& output) { return static_cast<std::size_t>(output.result_width()); }

Style StyleOf(state::SlotState state) {
  switch (state) {
    case state::SlotState::kSucceeded:
      return Style::kGood;
    case state::SlotState::kFailed:
      return Style::kBad;
    case state::SlotState::kCancelled:
    case state::SlotState::kSkipped:
      return Style::kWarn;
    case state::SlotState::kWaiting:
    case state::SlotState::kStarting:
    case state::SlotState::kRunning:
      return Style::kAccent;
  }
  return Style::kPlain;
}

// A schedule with what the list says of it.
struct Entry {
  state::ScheduleRow row;
  std::optional<schedule::Policy> policy;  // none: it cannot be read
  std::string problem;                     // why that is, or why its slots will fail
  std::optional<WallTime> next;
  std::optional<state::SlotRow> last;
};

Result<std::vector<Entry>> ReadEntries(state::ScheduleStore& store) {
  DML_TRY(const std::vector<state::ScheduleRow> rows, store.Schedules());
  std::vector<Entry> entries;
  for (const state::ScheduleRow& row : rows) {
    Entry entry{row, std::nullopt, {}, std::nullopt, std::nullopt};
    auto policy = schedule::ReadPolicy(row.policy);
    if (policy.ok()) {
      entry.policy = std::move(policy).value();
      entry.next = entry.policy->timetable.Next(SystemClock().Wall());
      entry.problem = WhyFileIsInvalid(row);
    } else {
      entry.problem = policy.error().message;
    }
    DML_TRY(const std::vector<state::SlotRow> newest, store.History(row.id, 1));
    if (!newest.empty()) entry.last = newest.front();
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string NextText(const Entry& entry) {
  if (!entry.policy) return entry.problem;
  if (entry.row.paused) return "paused: " + entry.row.paused_reason;
  return entry.next ? schedule::FormatIn(entry.policy->timetable.zone(), *entry.next) : "never";
}

// Durations as every document has them: in seconds.
Json PolicyJson(Json policy) {
  for (const char* key : {"every", "catchup_window", "start_deadline", "jitter"}) {
    if (policy.contains(key)) policy[key] = Duration{policy[key].get<std::int64_t>()}.seconds();
  }
  return policy;
}

Json EntryJson(const Entry& entry, const std::string& home) {
  return {{"schedule", entry.row.name},
          {"file", entry.row.file},
          {"sets", entry.row.sets},
          {"when", entry.policy ? Json(entry.policy->timetable.Text()) : Json()},
          {"timezone", entry.policy ? Json(entry.policy->timetable.zone().name()) : Json()},
          {"policy", PolicyJson(entry.row.policy)},
          {"paused", entry.row.paused},
          {"paused_reason", entry.row.paused_reason},
          {"next", entry.next && !entry.row.paused ? Json(FormatUtc(*entry.next)) : Json()},
          {"last", entry.last ? SlotJson(*entry.last, entry.row.name, home) : Json()},
          {"error", entry.problem.empty() ? Json() : Json(entry.problem)}};
}

// A program gets the document it knows, with nothing in it.
Result<bool> PrintedNothing(const std::string& home_flag, const Json& document,
                            const Output& output) {
  if (output.format() != Format::kJson) return false;
  DML_TRY(const std::optional<OpenedSchedules> schedules, FindSchedulesToAsk(home_flag));
  if (schedules) return false;
  output.PrintJson(document);
  return true;
}

Result<ExitCode> RunLs(const std::string& home_flag, const Output& output) {
  const Json nothing{{"schedules", Json::array()}, {"daemon", false}};
  DML_TRY(const bool printed, PrintedNothing(home_flag, nothing, output));
  if (printed) return ExitCode::kDone;
  DML_TRY(OpenedSchedules schedules, OpenSchedulesToAsk(home_flag));
  DML_TRY(const std::vector<Entry> entries, ReadEntries(schedules.store));
  if (output.format() == Format::kJson) {
    Json list = Json::array();
    for (const Entry& entry : entries) list.push_back(EntryJson(entry, schedules.home));
    output.PrintJson({{"schedules", list}, {"daemon", DaemonRuns(schedules.home)}});
    return ExitCode::kDone;
  }
  TextTable table({{"schedule"}, {"when"}, {"timezone"}, {"next"}, {"last slot"}, {"state"}});
  for (const Entry& entry : entries) {
    table.AddRow({Harmless(entry.row.name), entry.policy ? entry.policy->timetable.Text() : "?",
                  entry.policy ? entry.policy->timetable.zone().name() : "?", NextText(entry),
                  entry.last ? FormatUtc(entry.last->last).substr(0, 19) + "Z" : "-",
                  entry.last ? std::string(SlotStateName(entry.last->state)) : "-"});
  }
  if (!table.empty()) output.Print(table.Render(Width(output)));
  for (const Entry& entry : entries) {
    if (!entry.policy || entry.problem.empty()) continue;
    output.Warn(fmt::format("{}: {}; its slots fail until that is mended", Harmless(entry.row.name),
                            Harmless(entry.problem)));
  }
  if (entries.empty()) output.Note("nothing is scheduled here");
  AdviseDaemon(schedules.home, output);
  return ExitCode::kDone;
}

struct NextOptions {
  std::string what;
  std::string timezone;
  std::string from;
  int count = 5;
};

bool LooksLikeFile(const std::string& text) {
  return text.ends_with(".yaml") || text.ends_with(".yml") || text.find('/') < text.find(' ');
}

// A cron expression, a pipeline or the name of a schedule.
Result<schedule::Timetable> FindTimetable(const NextOptions& options, const std::string& home_flag,
                                          const Output& output) {
  Json bound;
  if (options.what.find(' ') != std::string::npos || options.what.starts_with('@')) {
    bound = Json{{"cron", options.what}};
  } else if (LooksLikeFile(options.what)) {
    DML_TRY(OpenedPipeline opened, OpenPipeline({options.what, {}, {}}, output));
    if (!opened.schedule.is_object()) {
      return Error::Invalid("'" + opened.path + "' has no schedule:");
    }
    bound = std::move(opened.schedule);
  } else {
    DML_TRY(OpenedSchedules schedules, OpenSchedulesToAsk(home_flag));
    DML_TRY(const state::ScheduleRow row, schedules.store.Find(options.what));
    bound = row.policy;
  }
  if (!options.timezone.empty()) bound["timezone"] = options.timezone;
  DML_TRY(const schedule::Policy policy, schedule::ReadPolicy(bound));
  return policy.timetable;
}

Result<ExitCode> RunNext(const NextOptions& options, const std::string& home_flag,
                         const Output& output) {
  DML_TRY(const schedule::Timetable timetable, FindTimetable(options, home_flag, output));
  WallTime time = SystemClock().Wall();
  if (!options.from.empty()) {
    DML_TRY(time, schedule::ParseTime(options.from, timetable.zone()));
    --time.us;  // a slot at that very time is shown
  }
  Json list = Json::array();
  TextTable table({{"local"}, {"UTC"}});
  for (int i = 0; i < options.count; ++i) {
    const std::optional<WallTime> next = timetable.Next(time);
    if (!next) break;
    time = *next;
    const std::string local = schedule::FormatIn(timetable.zone(), time);
    list.push_back({{"local", local}, {"utc", FormatUtc(time)}});
    table.AddRow({local, FormatUtc(time).substr(0, 19) + "Z"});
  }
  if (output.format() == Format::kJson) {
    output.PrintJson(
        {{"when", timetable.Text()}, {"timezone", timetable.zone().name()}, {"slots", list}});
  } else if (table.empty()) {
    output.Note("none within forty years");
  } else {
    output.Print(table.Render(Width(output)));
  }
  return ExitCode::kDone;
}

struct HistoryOptions {
  std::string name;
  int limit = 20;
  bool events = false;
};

Result<void> PrintEvents(state::ScheduleStore& store, int limit, const Output& output) {
  DML_TRY(const std::vector<state::ScheduleRow> rows, store.Schedules(/*with_removed=*/true));
  DML_TRY(const std::vector<state::ScheduleEvent> events, store.Events(limit));
  Json list = Json::array();
  TextTable table({{"at"}, {"schedule"}, {"event"}});
  for (const state::ScheduleEvent& event : events) {
    std::string name = "daemon";
    for (const state::ScheduleRow& row : rows) {
      if (row.id == event.schedule) name = row.name;
    }
    list.push_back({{"at", FormatUtc(event.at)}, {"schedule", name}, {"event", event.text}});
    table.AddRow({FormatUtc(event.at).substr(0, 19) + "Z", Harmless(name), Harmless(event.text)});
  }
  if (output.format() == Format::kJson) {
    output.PrintJson({{"events", list}});
  } else if (!table.empty()) {
    output.Print(table.Render(Width(output)));
  }
  return {};
}

// Of all schedules if `name` is empty; else of those that have the name or had it, newest first.
Result<std::vector<state::SlotRow>> SlotsOf(state::ScheduleStore& store,
                                            const std::vector<state::ScheduleRow>& rows,
                                            const std::string& name, int limit) {
  if (name.empty()) return store.History({}, limit);
  std::vector<state::SlotRow> slots;
  bool known = false;
  for (const state::ScheduleRow& row : rows) {
    if (row.name != name) continue;
    known = true;
    DML_TRY(std::vector<state::SlotRow> more, store.History(row.id, limit));
    slots.insert(slots.end(), more.begin(), more.end());
  }
  if (!known) {
    DML_TRY([[maybe_unused]] const state::ScheduleRow found, store.Find(name));
  }
  std::ranges::stable_sort(slots, std::ranges::greater(), &state::SlotRow::due);
  if (slots.size() > static_cast<std::size_t>(limit)) slots.resize(static_cast<std::size_t>(limit));
  return slots;
}

Result<ExitCode> RunHistory(const HistoryOptions& options, const std::string& home_flag,
                            const Output& output) {
  const Json nothing{{options.events ? "events" : "slots", Json::array()}};
  DML_TRY(const bool printed, PrintedNothing(home_flag, nothing, output));
  if (printed) return ExitCode::kDone;
  DML_TRY(OpenedSchedules schedules, OpenSchedulesToAsk(home_flag));
  if (options.events) {
    DML_RETURN_IF_ERROR(PrintEvents(schedules.store, options.limit, output));
    return ExitCode::kDone;
  }
  DML_TRY(const std::vector<state::ScheduleRow> rows,
          schedules.store.Schedules(/*with_removed=*/true));
  DML_TRY(const std::vector<state::SlotRow> slots,
          SlotsOf(schedules.store, rows, options.name, options.limit));
  Json list = Json::array();
  TextTable table(
      {{"due"}, {"schedule"}, {"state"}, {"run"}, {"slots", Align::kRight}, {"reason"}});
  for (state::SlotRow slot : slots) {
    std::string name;
    for (const state::ScheduleRow& row : rows) {
      if (row.id != slot.schedule) continue;
      name = row.name;
      if (slot.state == state::SlotState::kWaiting && row.paused) {
        slot.reason = "waits: paused: " + row.paused_reason;
      }
    }
    list.push_back(SlotJson(slot, name, schedules.home));
    std::string reason = slot.reason;
    if (reason.empty() && slot.origin != state::SlotOrigin::kOnTime) {
      reason = SlotOriginName(slot.origin);
    }
    table.AddRow({FormatUtc(slot.due).substr(0, 19) + "Z", Harmless(name),
                  output.ForResult(StyleOf(slot.state), SlotStateName(slot.state)),
                  slot.run ? fmt::format("r{}", slot.run->value) : "-", std::to_string(slot.count),
                  Harmless(reason.substr(0, reason.find('\n')))});
  }
  if (output.format() == Format::kJson) {
    output.PrintJson({{"slots", list}});
  } else if (table.empty()) {
    output.Note("no slot has come yet");
  } else {
    output.Print(table.Render(Width(output)));
  }
  return ExitCode::kDone;
}

}  // namespace

Action SetupScheduleLs(Args& args, CommonOptions& common) {
  args.Example("dml schedule ls", "what runs by the clock, and when next");
  return [&common](Output& output) { return RunLs(common.home, output); };
}

Action SetupScheduleNext(Args& args, CommonOptions& common) {
  auto options = std::make_shared<NextOptions>();
  args.Positional("NAME|FILE|CRON", options->what, /*required=*/true,
                  "a schedule, a pipeline or a cron expression in quotes");
  args.Number("-n,--count", "N", options->count, 1, 10'000, "so many slots (default: 5)");
  args.Value("--timezone", "ZONE", options->timezone, "such as Europe/Berlin");
  args.Value("--from", "TIME", options->from, "from then on (default: now)");
  args.Example("dml schedule next nightly", "the next five slots");
  args.Example("dml schedule next '30 2 * * *' --timezone America/New_York --from 2026-03-07",
               "around the change of the clocks");
  return [options, &common](Output& output) { return RunNext(*options, common.home, output); };
}

Action SetupScheduleHistory(Args& args, CommonOptions& common) {
  auto options = std::make_shared<HistoryOptions>();
  args.Positional("NAME", options->name, /*required=*/false,
                  "of a schedule, also a removed one (default: all)");
  args.Number("-n,--limit", "N", options->limit, 1, 1'000'000, "the newest N (default: 20)");
  args.Flag("--events", options->events, "pauses, changed rules and clock steps instead");
  args.Describe("Every slot that has come is listed: what ran, and why the others did not.");
  args.Example("dml schedule history nightly", "what became of its slots");
  return [options, &common](Output& output) { return RunHistory(*options, common.home, output); };
}

}  // namespace dml::cli
