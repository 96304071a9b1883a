#pragma once

#include <string>
#include <string_view>

namespace dml::ssh {

// Tells what a verb of dml-worker says, on one of its two outputs, from what shells printed before
// it began. How that is cut into pieces does not matter.
class VerbWords {
 public:
  // What of the next bytes is the verb's.
  std::string Hear(std::string_view bytes);
  [[nodiscard]] bool begun() const { return begun_; }
  // What was said before it began, as far as is known.
  [[nodiscard]] const std::string& noise() const { return noise_; }

 private:
  std::string noise_;
  bool begun_ = false;
};

}  // namespace dml::ssh
