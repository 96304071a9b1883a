#pragma once

// Assertions that stay on in every build. A failed check is a bug in dml, never a user's mistake:
// it prints the place and aborts, which costs one attempt when it happens inside a worker.

namespace dml {

[[noreturn]] void CheckFailed(const char* condition, const char* file, int line,
                              const char* why) noexcept;

}  // namespace dml

#define DML_CHECK(condition, why) \
  (static_cast<bool>(condition) ? void(0) : ::dml::CheckFailed(#condition, __FILE__, __LINE__, why))

#define DML_UNREACHABLE(why) ::dml::CheckFailed("unreachable", __FILE__, __LINE__, why)
