#include "cli/display/progress_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/display/progress_frame.h"
#include "orchestrator/report/number_text.h"

namespace dml::cli {

namespace {

using core::TaskState;
using Ending = ProgressModel::Ending;

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::size_t kScrolledTasksMax = 60;  // larger runs show successes in the bar only
constexpr std::size_t kPendingMax = 1 << 20;
constexpr const char* kHideCursor = "\x1b[?25l";
constexpr const char* kShowCursor = "\x1b[?25h";

std::string EraseLines(int count) {
  return count == 0 ? std::string() : fmt::format("\x1b[{}A\x1b[J", count);
}

Ending EndingOf(TaskState state) {
  switch (state) {
    case TaskState::kSucceeded:
      return Ending::kSucceeded;
    case TaskState::kReused:
      return Ending::kReused;
    case TaskState::kFailed:
      return Ending::kFailed;
    case TaskState::kSkipped:
      return Ending::kSkipped;
    case TaskState::kBlocked:
    case TaskState::kReady:
    case TaskState::kLaunching:
    case TaskState::kRunning:
    case TaskState::kCommitting:
    case TaskState::kBackoff:
    case TaskState::kCancelled:
      return Ending::kCancelled;
  }
  return Ending::kCancelled;
}

std::string EndingText(const Output& output, Ending ending) {
  switch (ending) {
    case Ending::kSucceeded:
      return output.ForMessage(Style::kGood, "ok");
    case Ending::kReused:
      return output.ForMessage(Style::kDim, "reused (unchanged)");
    case Ending::kFailed:
      return output.ForMessage(Style::kBad, "FAILED");
    case Ending::kSkipped:
      return output.ForMessage(Style::kWarn, "skipped");
    case Ending::kCancelled:
      return output.ForMessage(Style::kWarn, "cancelled");
  }
  return {};
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

ProgressDisplay::ProgressDisplay(const Output& output, const Clock& clock, double parallel)
    : output_(output),
      clock_(clock),
      parallel_(parallel),
      live_(output.live() && !output.quiet()) {}

ProgressDisplay::~ProgressDisplay() { Close(); }

void ProgressDisplay::RunStarted(RunId run, const pipelines::ExpandedPipeline& pipeline) {
  if (began_) began_(run);
  const std::lock_guard lock(mutex_);
  pipeline_ = &pipeline;
  std::map<std::string, std::size_t> per_step;
  for (const pipelines::TaskDecl& task : pipeline.tasks) ++per_step[task.step];
  model_.Begin(clock_.Now(), per_step, {}, parallel_);
  if (!output_.quiet()) {
    const std::size_t count = pipeline.tasks.size();
    pending_ += fmt::format("{}  run r{}, {} {}\n",
                            output_.ForMessage(Style::kBold, Harmless(pipeline.name)), run.value,
                            count, count == 1 ? "task" : "tasks");
  }
  running_ = true;
  thread_ = std::jthread([this] { Draw(); });
}

bool ProgressDisplay::Wants(Ending ending) const {
  if (output_.quiet()) return false;  // the end of the run says what failed
  if (ending == Ending::kFailed) return true;
  if (live_) return model_.total() <= kScrolledTasksMax;
  return ending != Ending::kSkipped || output_.verbose() || model_.total() <= kScrolledTasksMax;
}

void ProgressDisplay::AddLine(const engine::TaskUpdate& update, Ending ending) {
  const std::string digits = std::to_string(model_.total());
  // Nothing was asked of the store: the run that is resumed had done it.
  const bool before = ending == Ending::kReused && update.from == TaskState::kBlocked;
  pending_ += fmt::format(
      "[{:>{}}/{}] {}  {}", model_.done(), digits.size(), digits,
      Harmless(pipeline_->tasks[update.task].name),
      before ? output_.ForMessage(Style::kDim, "done before") : EndingText(output_, ending));
  if (update.elapsed.ns > 0) {
    pending_ += fmt::format("  {}", report::SecondsText(update.elapsed.seconds()));
  }
  const bool say_why = ending == Ending::kFailed || ending == Ending::kSkipped;
  if (say_why && !update.reason.empty()) {
    pending_ += fmt::format("  {}", Harmless(FirstLine(update.reason)));
  }
  pending_ += '\n';
}

void ProgressDisplay::TaskChanged(const engine::TaskUpdate& update) {
  const std::lock_guard lock(mutex_);
  if (pipeline_ == nullptr) return;
  const pipelines::TaskDecl& task = pipeline_->tasks[update.task];
  if (update.to == TaskState::kRunning) {
    model_.Start(update.task.value, task.name, task.step, update.attempt.value, clock_.Now());
  } else if (update.to == TaskState::kBackoff) {
    model_.Retry(update.task.value);
    if (!output_.quiet()) {
      pending_ += fmt::format("{} {}: attempt {} failed and will be repeated: {}\n",
                              output_.ForMessage(Style::kWarn, "retry"), Harmless(task.name),
                              update.attempt.value, Harmless(FirstLine(update.reason)));
    }
  } else if (update.to == TaskState::kBlocked && core::HasOutputs(update.from)) {
    model_.Reopen(update.task.value, task.step);
    if (!output_.quiet()) {
      pending_ += fmt::format("{} {}: {}\n", output_.ForMessage(Style::kWarn, "again"),
                              Harmless(task.name), Harmless(update.reason));
    }
  } else if (core::IsFinal(update.to)) {
    const Ending ending = EndingOf(update.to);
    model_.End(update.task.value, task.step, ending, clock_.Now());
    if (Wants(ending)) AddLine(update, ending);
  }
  if (pending_.size() > kPendingMax) wake_.notify_one();
}

void ProgressDisplay::TaskProgress(TaskId task, double fraction, const std::string& note) {
  const std::lock_guard lock(mutex_);
  model_.Report(task.value, fraction, note);
}

void ProgressDisplay::TaskWarned(TaskId task, const std::string& warning) {
  const std::lock_guard lock(mutex_);
  if (output_.quiet() || pipeline_ == nullptr) return;
  pending_ += fmt::format("{} {}: {}\n", output_.ForMessage(Style::kWarn, "warning"),
                          Harmless(pipeline_->tasks[task].name), Harmless(warning));
}

void ProgressDisplay::RunFinished(const engine::RunResult&) { Close(); }

void ProgressDisplay::Say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  pending_ += line + "\n";
  wake_.notify_one();
}

void ProgressDisplay::Draw() {
  std::unique_lock lock(mutex_);
  while (!closed_) {
    Flush(lock, /*last=*/false);
    if (!closed_) wake_.wait_for(lock, kRedraw);
  }
  Flush(lock, /*last=*/true);
}

void ProgressDisplay::Flush(std::unique_lock<std::mutex>& lock, bool last) {
  std::string text;
  if (live_) text += EraseLines(frame_lines_);
  text += pending_;
  pending_.clear();
  frame_lines_ = 0;
  if (live_ && !last) {
    const FrameStyle style{output_.message_width(), 8, output_.message_color()};
    const std::string frame = RenderFrame(model_, clock_.Now(), style);
    frame_lines_ = static_cast<int>(std::count(frame.begin(), frame.end(), '\n'));
    text += kHideCursor + frame;
  }
  if (live_ && last) text += kShowCursor;
  lock.unlock();
  if (!text.empty()) output_.RawMessage(text);
  lock.lock();
}

void ProgressDisplay::Close() {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    running_ = false;
    closed_ = true;
    wake_.notify_one();
  }
  thread_.join();
}

}  // namespace dml::cli
