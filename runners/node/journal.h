#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace dml::node {

// What happened on a node, for people: a line per event in <root>/agent.log, with the time in UTC.
// Lines are collected and written by Flush(). A file that has grown beyond kBytesMax becomes
// agent.log.1, in place of an older one. What cannot be written is lost: a journal is no reason to
// stop. Single-threaded.
class Journal {
 public:
  static constexpr std::int64_t kBytesMax = 4 << 20;

  explicit Journal(std::string root) : root_(std::move(root)) {}

  // `text` may come from a head: what is not printable is replaced, a long one is cut.
  void Add(const std::string& text);
  void Flush();

 private:
  const std::string root_;
  const SystemClock clock_;
  std::string lines_;
};

// Copies the last `lines` lines of the journal to `out_fd`, and with `follow` what comes after them
// until `out_fd` or the standard input is closed. kEnvironment if there is none.
Result<void> CopyJournal(const std::string& root, int lines, bool follow, int out_fd);

}  // namespace dml::node
