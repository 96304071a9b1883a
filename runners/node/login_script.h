#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace dml::node {

using Variables = std::map<std::string, std::string>;

inline constexpr Duration kLoginScriptMax = Duration::Seconds(60);

// What a script added or changed: `printed` is the environment after it, with a NUL behind each
// variable. What every shell sets for itself counts for nothing.
[[nodiscard]] Variables ChangedFrom(const Variables& before, std::string_view printed);

// Runs a script once in the login shell of this account and finds out what it did to the
// environment. The script is the only text that the shell gets to see; everything else reaches it
// by variables. Single-threaded; the process ends with the object.
class LoginScript {
 public:
  // `program` prints its environment, with a NUL after each variable, when it is called as
  // "program env --root FOLDER". `env` is added to what the script sees. The folder, which exists,
  // takes what the script prints.
  static Result<LoginScript> Start(const std::string& folder, const std::string& program,
                                   const Variables& env, const std::string& script);
  LoginScript(LoginScript&& other) noexcept;
  LoginScript& operator=(LoginScript&& other) noexcept;
  ~LoginScript();

  // Readable once the script has ended.
  [[nodiscard]] int pidfd() const { return pidfd_; }
  // What it added or changed, once it has ended. kEnvironment quotes the last of what it printed if
  // it failed or did not end in time.
  [[nodiscard]] std::optional<Result<Variables>> Look(Instant now);

 private:
  LoginScript() = default;
  void End();

  std::string folder_;
  int pid_ = 0;
  int pidfd_ = -1;
  Instant deadline_{0};
};

}  // namespace dml::node
