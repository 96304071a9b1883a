#pragma once

#include <string>

#include "base/result.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

// What OpenSSH's own configuration says about `name`, by asking `ssh -G`, which knows Include,
// Match and every token. Fields that the inventory has set (see `host`) stay. Where there is no
// `ssh`, the defaults of OpenSSH are filled in.
Result<void> Resolve(Host& host);

// The home of the account, where OpenSSH looks for its files, whatever $HOME says.
[[nodiscard]] std::string AccountHome();

// From the output of `ssh -G`; for tests and for the above.
void ApplyOpenSshConfig(const std::string& text, Host& host);

}  // namespace dml::ssh
