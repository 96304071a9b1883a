#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace dml {

void CheckFailed(const char* condition, const char* file, int line, const char* why) noexcept {
  std::fprintf(stderr, "dml: bug at %s:%d: %s (%s)\n", file, line, why, condition);
  std::abort();
}

}  // namespace dml
