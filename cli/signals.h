#pragma once

#include <functional>

#include "orchestrator/engine/stop_run.h"

namespace dml::cli {

// What `dml stop --now` sends: stop, and do not wait. A signal of its own, because two of a kind
// that come at once arrive as one.
inline constexpr int kStopNow = engine::kStopNowSignal;

// Turns SIGINT, SIGTERM, SIGHUP (unless it is ignored, as under nohup) and kStopNow into calls on a
// thread of its own: the handler itself only writes to a pipe. Handlers, unlike a blocked mask, do
// not leak into child processes. One at a time; the former dispositions come back with the
// destructor.
class SignalWatcher {
 public:
  // `on_signal(number, count)`: `count` is 1 for the first signal, 2 for the second, ...
  explicit SignalWatcher(std::function<void(int signal, int count)> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  // The first signal seen, or 0.
  [[nodiscard]] int first_signal() const;

 private:
  struct State;
  State* state_;
};

}  // namespace dml::cli
