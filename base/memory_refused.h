#pragma once

#include <new>
#include <string>
#include <utility>

namespace dml {

// An allocation that was refused to somebody who knows what it was for. Like every std::bad_alloc
// it passes by the Results: no failure like others, since the next attempt may get more.
class MemoryRefused final : public std::bad_alloc {
 public:
  // "trees of 200 rows need about 3 GiB"; "fewer columns need less", or empty.
  MemoryRefused(std::string need, std::string remedy)
      : need_(std::move(need)), remedy_(std::move(remedy)) {}
  [[nodiscard]] const char* what() const noexcept override { return need_.c_str(); }
  [[nodiscard]] const std::string& need() const { return need_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }

 private:
  std::string need_;
  std::string remedy_;
};

}  // namespace dml
