#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "cli/display/output.h"
#include "cli/display/progress_model.h"
#include "orchestrator/engine/observer.h"

namespace dml::cli {

// Shows a run while it goes on. On a terminal: bars, redrawn ten times a second, with the lines of
// finished tasks scrolling above them while the run is small. Elsewhere: a line a finished task.
// The run loop only updates a model under a short lock; a thread of its own does all writing, so a
// slow terminal never slows a run. Close() erases the bars and brings the cursor back.
class ProgressDisplay final : public engine::RunObserver {
 public:
  // `parallel`: how many tasks may run at once, for the estimate of the time left.
  ProgressDisplay(const Output& output, const Clock& clock, double parallel);
  ~ProgressDisplay() override;

  void RunStarted(RunId run, const pipelines::ExpandedPipeline& pipeline) override;
  void TaskChanged(const engine::TaskUpdate& update) override;
  void TaskProgress(TaskId task, double fraction, const std::string& note) override;
  void TaskWarned(TaskId task, const std::string& warning) override;
  void RunFinished(const engine::RunResult& result) override;

  // Hears the id of the run as it begins; on the thread of the run, before anything is drawn.
  void set_began(std::function<void(RunId)> began) { began_ = std::move(began); }
  // A line above the bars: what a signal means. From any thread.
  void Say(const std::string& line);
  // Writes what is pending and restores the terminal; nothing is drawn afterwards. Idempotent.
  void Close();

 private:
  void Draw();  // the thread
  void Flush(std::unique_lock<std::mutex>& lock, bool last);
  void AddLine(const engine::TaskUpdate& update, ProgressModel::Ending ending);
  [[nodiscard]] bool Wants(ProgressModel::Ending ending) const;

  const Output& output_;
  const Clock& clock_;
  const double parallel_;
  const bool live_;
  std::function<void(RunId)> began_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable wake_;
  const pipelines::ExpandedPipeline* pipeline_ = nullptr;
  ProgressModel model_;
  std::string pending_;  // finished lines, not yet written
  int frame_lines_ = 0;  // of the frame on the screen
  bool running_ = false;
  bool closed_ = false;
  std::jthread thread_;
};

}  // namespace dml::cli
