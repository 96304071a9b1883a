#include "orchestrator/schedule/policy.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace dml::schedule {

namespace {

template <typename Enum, std::size_t N>
Enum Named(const std::array<std::pair<std::string_view, Enum>, N>& names, const Json& bound,
           const char* key) {
  const std::string word = bound.value(key, std::string(names[0].first));
  for (const auto& [name, value] : names) {
    if (name == word) return value;
  }
  return names[0].second;
}

constexpr std::array<std::pair<std::string_view, Catchup>, 3> kCatchups{
    {{"latest", Catchup::kLatest}, {"none", Catchup::kNone}, {"all", Catchup::kAll}}};
constexpr std::array<std::pair<std::string_view, Overlap>, 5> kOverlaps{
    {{"skip", Overlap::kSkip},
     {"queue_one", Overlap::kQueueOne},
     {"queue_all", Overlap::kQueueAll},
     {"cancel_previous", Overlap::kCancelPrevious},
     {"allow", Overlap::kAllow}}};

Duration Span(const Json& bound, const char* key) { return {bound.value(key, std::int64_t{0})}; }

Result<Timetable> ReadTimetable(const Json& bound) {
  DML_TRY(const TimeZone zone, TimeZone::Find(bound.value("timezone", std::string("UTC"))));
  const bool has_cron = bound.contains("cron");
  const bool has_every = bound.contains("every");
  if (has_cron && has_every) {
    return Error::Invalid("a schedule has both 'cron' and 'every'", "leave one of them out");
  }
  if (!has_cron && !has_every) {
    return Error::Invalid("a schedule needs either 'cron' or 'every'",
                          "for example cron: \"0 2 * * *\" for every night at two");
  }
  if (!has_cron) return Timetable::Every(Span(bound, "every"), zone);
  DML_TRY(CronExpression cron, CronExpression::Parse(bound["cron"].get<std::string>()));
  return Timetable::Cron(std::move(cron), zone);
}

}  // namespace

Result<void> CheckKey(const std::string& key, const std::string& text) {
  if (key == "cron") {
    DML_TRY([[maybe_unused]] const CronExpression cron, CronExpression::Parse(text));
  } else if (key == "timezone") {
    DML_TRY([[maybe_unused]] const TimeZone zone, TimeZone::Find(text));
  }
  return {};
}

Result<Policy> ReadPolicy(const Json& bound) {
  DML_TRY(Timetable timetable, ReadTimetable(bound));
  Policy policy{.timetable = std::move(timetable)};
  policy.catchup = Named(kCatchups, bound, "catchup");
  policy.catchup_window = Span(bound, "catchup_window");
  policy.catchup_max = bound.value("catchup_max", policy.catchup_max);
  policy.overlap = Named(kOverlaps, bound, "overlap");
  policy.start_deadline = Span(bound, "start_deadline");
  policy.jitter = Span(bound, "jitter");
  policy.pause_after_failures = bound.value("pause_after_failures", 0);
  return policy;
}

}  // namespace dml::schedule
