#pragma once

#include <functional>
#include <mutex>
#include <string>

namespace dml::cli {

// Lines that several nodes say at once, in any pieces: each comes out whole, with the name of its
// node in front, and moves no terminal. Thread-safe.
class NodeLines {
 public:
  // A longer line comes out in pieces of at least this.
  static constexpr std::size_t kLineBytesMax = 1U << 16;

  // `print` gets one line with its end; never two at once.
  NodeLines(bool names, std::function<void(const std::string&)> print)
      : names_(names), print_(std::move(print)) {}

  // Takes the whole lines out of what a node has said; with `rest`, what has no end, too.
  void Take(const std::string& name, std::string& text, bool rest);

 private:
  std::mutex mutex_;
  const bool names_;
  const std::function<void(const std::string&)> print_;
};

}  // namespace dml::cli
