#include "cli/display/progress_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/display/output.h"
#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/number_text.h"
#include "orchestrator/report/text_table.h"

namespace dml::cli {

namespace {

constexpr int kRunBar = 24;
constexpr int kTaskBar = 12;
constexpr int kNarrow = 60;  // below it there is no room for bars
constexpr std::size_t kNameWidth = 28;
const char* const kFilled = "\xE2\x94\x81";

std::string Fit(const std::string& text, int width) {
  return report::Shorten(text, static_cast<std::size_t>(std::max(1, width - 1)));
}

std::string RunLine(const ProgressModel& model, Instant now, const FrameStyle& style) {
  using Ending = ProgressModel::Ending;
  const double fraction =
      model.total() == 0 ? 0
                         : static_cast<double>(model.done()) / static_cast<double>(model.total());
  std::string tail = fmt::format("{}/{}", model.done(), model.total());
  if (model.count(Ending::kReused) > 0) {
    tail += fmt::format("  reused {}", model.count(Ending::kReused));
  }
  if (model.count(Ending::kFailed) > 0) {
    tail += fmt::format("  failed {}", model.count(Ending::kFailed));
  }
  tail += "  " + ClockText(now - model.began());
  const Duration remaining = model.Remaining(now);
  // A task that takes longer than ever before makes the estimate run out: better none than zero.
  if (remaining >= Duration::Seconds(1) && model.done() < model.total()) {
    tail += fmt::format("  about {} left", ClockText(remaining));
  }
  if (style.width < kNarrow) return Fit(tail, style.width) + "\n";
  return Bar(fraction, kRunBar, style.color) + "  " + Fit(tail, style.width - kRunBar - 2) + "\n";
}

std::string TaskLine(const ProgressModel::Running& task, Instant now, const FrameStyle& style) {
  const std::string elapsed = report::SecondsText((now - task.started).seconds());
  std::string name = report::Shorten(Harmless(task.name), kNameWidth);
  if (style.width < kNarrow) return Fit("  " + name + "  " + elapsed, style.width) + "\n";
  name.append(kNameWidth - report::DisplayWidth(name), ' ');
  std::string tail = fmt::format("{:>7}", elapsed);
  if (task.fraction > 0) tail += fmt::format("  {:>3.0f} %", task.fraction * 100);
  if (task.attempt > 1) tail += fmt::format("  attempt {}", task.attempt);
  if (!task.note.empty()) tail += fmt::format("  {}", Harmless(task.note));
  const int used = 2 + static_cast<int>(kNameWidth) + 2 + kTaskBar + 2;
  return fmt::format("  {}  {}  {}\n", name, Bar(task.fraction, kTaskBar, style.color),
                     Fit(tail, style.width - used));
}

}  // namespace

std::string ClockText(Duration duration) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, duration.seconds())));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string Bar(double fraction, int width, bool color) {
  const int filled = std::clamp(static_cast<int>(std::floor(fraction * width + 1e-9)), 0, width);
  std::string on;
  std::string off;
  for (int i = 0; i < width; ++i)
    (i < filled ? on : off) += color ? kFilled : i < filled ? "#" : "-";
  return Styled(color && filled > 0, Style::kAccent, on) +
         Styled(color && filled < width, Style::kDim, off);
}

std::string RenderFrame(const ProgressModel& model, Instant now, const FrameStyle& style) {
  std::string frame = RunLine(model, now, style);
  const std::vector<ProgressModel::Running> running = model.running();
  const auto rows_max = static_cast<std::size_t>(std::max(0, style.rows_max));
  for (std::size_t i = 0; i < running.size() && i < rows_max; ++i) {
    frame += TaskLine(running[i], now, style);
  }
  if (running.size() > rows_max) {
    frame += Fit(fmt::format("  and {} more", running.size() - rows_max), style.width) + "\n";
  }
  return frame;
}

}  // namespace dml::cli
