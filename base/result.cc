#include "base/result.h"

#include <system_error>

namespace dml {

Error Error::System(const std::string& action, int errno_value) {
  return Environment(action + ": " + std::generic_category().message(errno_value));
}

std::string Error::Render() const {
  std::string out;
  if (!where.empty()) out += where + ": ";
  out += message;
  if (!hint.empty()) out += "\n  hint: " + hint;
  return out;
}

}  // namespace dml
