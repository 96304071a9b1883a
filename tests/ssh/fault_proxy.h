#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <thread>

#include "base/clock.h"

namespace dml::ssh {

// A TCP proxy on the loopback interface to `target` that is a bad network: it delays, throttles,
// freezes and breaks what goes through it. Settings may change at any time, from any thread.
class FaultProxy {
 public:
  // What the system may hold for an end that is slow to read counts as carried, and is lost when
  // the connection is reset; little of it makes a fast line slow. kAsMuchAsItLikes: for
  // measurements.
  static constexpr int kLittle = 32 << 10;
  static constexpr int kAsMuchAsItLikes = 0;
  FaultProxy(std::string target, int target_port, int held_by_system = kLittle);
  ~FaultProxy();

  [[nodiscard]] int port() const { return port_; }
  // One way, in each direction.
  void SetDelay(Duration delay) { delay_ns_ = delay.ns; }
  // At most so many bytes a second in each direction; 0: as many as there are.
  void SetRate(std::int64_t bytes_per_second) { rate_ = bytes_per_second; }
  // What comes from one end is swallowed: half of a connection is gone, and nobody is told.
  void DropUp(bool drop) { drop_up_ = drop; }
  void DropDown(bool drop) { drop_down_ = drop; }
  // Nothing is carried any more, and nobody is told: a cable that was pulled out.
  void Freeze(bool frozen) { frozen_ = frozen; }
  // Every connection is reset now; new ones are possible.
  void ResetAll() { ++resets_; }
  // Every connection is reset once this many bytes have gone through it; 0: never.
  void ResetAfter(std::int64_t bytes) { reset_after_ = bytes; }
  void RefuseNew(bool refuse) { refuse_ = refuse; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  struct Piece {
    Instant due;
    std::string bytes;
  };
  struct Lane {
    int from = -1;
    int to = -1;
    std::deque<Piece> waiting = {};
    std::size_t waiting_bytes = 0;
    Instant free = {};  // when the line has room again, at its rate
  };
  struct Pair {
    Lane up;
    Lane down;
    std::int64_t bytes = 0;
    int resets = 0;
    bool over = false;
  };

  void Work();
  void Accept();
  void Move(Pair& pair, Lane& lane, Instant now, bool drop);
  bool Deliver(Pair& pair, Lane& lane, Instant now);
  void Close(Pair& pair, bool reset);

  const std::string target_;
  const int target_port_;
  const int held_by_system_;
  int listener_;
  int port_ = 0;
  std::atomic<std::int64_t> delay_ns_{0};
  std::atomic<std::int64_t> rate_{0};
  std::atomic<bool> drop_up_{false};
  std::atomic<bool> drop_down_{false};
  std::atomic<int> refused_{0};
  std::atomic<bool> frozen_{false};
  std::atomic<bool> refuse_{false};
  std::atomic<int> resets_{0};
  std::atomic<std::int64_t> reset_after_{0};
  std::atomic<std::int64_t> bytes_{0};
  std::atomic<int> connections_{0};
  std::atomic<bool> stop_{false};
  std::list<Pair> pairs_;
  std::jthread thread_;
};

}  // namespace dml::ssh
