#include "orchestrator/report/html/timeline_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/plot.h"
#include "orchestrator/report/html/svg.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr double kWidth = 1040;
constexpr double kLabels = 210;
constexpr double kRight = 70;
constexpr double kRow = 22;
constexpr double kTop = 26;

std::vector<std::size_t> RowsToShow(const RunFacts& run, std::size_t& ran) {
  std::vector<std::size_t> rows;
  for (std::size_t t = 0; t < run.tasks.size(); ++t) {
    if (!run.tasks[t].attempts.empty()) rows.push_back(t);
  }
  ran = rows.size();
  if (rows.size() > kTimelineRowsMax) {
    std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
      return run.tasks[a].Seconds() > run.tasks[b].Seconds();
    });
    rows.resize(kTimelineRowsMax);
  }
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return run.tasks[a].attempts.front().started < run.tasks[b].attempts.front().started;
  });
  return rows;
}

std::int64_t EndOf(const RunFacts& run) {
  std::int64_t end = run.ended.us;
  for (const TaskFacts& task : run.tasks) {
    for (const AttemptFacts& attempt : task.attempts) {
      end = std::max({end, attempt.started.us, attempt.ended.us});
    }
  }
  return end;
}

std::string AttemptTooltip(const TaskFacts& task, const AttemptFacts& attempt) {
  std::string text = task.name;
  if (task.attempts.size() > 1) text += fmt::format(", attempt {}", attempt.number);
  text += fmt::format(": {}", attempt.outcome);
  if (attempt.ended.us > 0) {
    text += ", " + SecondsText(static_cast<double>(attempt.ended.us - attempt.started.us) * 1e-6);
  }
  return text;
}

// Ticks closer than SecondsText tells apart have the decimals of their distance.
std::string TimeTick(double seconds, double step) {
  if (step < 0.001) return fmt::format("{:.4g} ms", seconds * 1e3);
  if (step < 0.0995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (step < 0.995) return fmt::format("{:.1f} s", seconds);
  return SecondsText(seconds);
}

}  // namespace

std::string TimelineSvg(const RunFacts& run) {
  std::size_t ran = 0;
  const std::vector<std::size_t> rows = RowsToShow(run, ran);
  if (rows.empty()) {
    return "<p class=\"dim\">Nothing had to run: every result was reused.</p>";
  }
  const std::int64_t end_us = EndOf(run);
  const double span = std::max(1e-3, static_cast<double>(end_us - run.started.us) * 1e-6);
  const auto x = [&](std::int64_t us) {
    const double seconds = std::max(0.0, static_cast<double>(us - run.started.us) * 1e-6);
    return kLabels + seconds / span * (kWidth - kLabels - kRight);
  };
  const double bottom = kTop + kRow * static_cast<double>(rows.size());
  Svg svg(kWidth, bottom + 8, "timeline of the tasks");
  svg.Open("axes");
  const std::vector<double> ticks = Ticks({0, span}, 8);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : span;
  for (double tick : ticks) {
    const double at = kLabels + tick / span * (kWidth - kLabels - kRight);
    svg.Line(at, kTop - 4, at, bottom, "grid");
    svg.Text(at, kTop - 10, tick == 0 ? "0" : TimeTick(tick, step), "tick", Anchor::kMiddle);
  }
  svg.Close();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const TaskFacts& task = run.tasks[rows[r]];
    const double y = kTop + kRow * static_cast<double>(r);
    svg.Text(kLabels - 8, y + 15, Shorten(task.name, 30), "tick", Anchor::kEnd);
    double last = 0;
    for (const AttemptFacts& attempt : task.attempts) {
      const double from = x(attempt.started.us);
      const double to = x(attempt.ended.us > 0 ? attempt.ended.us : end_us);
      last = std::max(from + 2, to);
      svg.Rect(from, y + 4, std::max(2.0, to - from), kRow - 8, "span " + attempt.outcome, 2.5,
               AttemptTooltip(task, attempt));
    }
    svg.Text(last + 6, y + 15, SecondsText(task.Seconds()), "value");
  }
  std::string out = std::move(svg).Finish();
  if (ran > rows.size()) {
    out +=
        fmt::format("<p class=\"dim\">the {} longest of {} tasks that ran</p>", rows.size(), ran);
  }
  return out;
}

}  // namespace dml::report
