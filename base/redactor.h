#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace dml {

// Blots secrets out of text: every occurrence of one becomes "***". A secret of several lines is
// also blotted out line by line, since programs print it so. Immutable, thus thread-safe.
class Redactor {
 public:
  // Empty values are ignored.
  explicit Redactor(const std::vector<std::string>& secrets);

  [[nodiscard]] bool idle() const { return words_.empty(); }
  [[nodiscard]] std::string operator()(std::string_view text) const;
  // Texts and keys anywhere inside; numbers stay.
  void Redact(Json& value) const;

  // For text that comes in pieces: appends to `out` what can be told now, and leaves in `pending`
  // the end that may be the beginning of a secret. `last`: nothing more will come.
  void Stream(std::string& pending, bool last, std::string& out) const;

 private:
  std::vector<std::string> words_;  // the longest first
  std::string firsts_;              // the characters that words begin with
};

}  // namespace dml
