#pragma once

#include <vector>

#include "runners/ssh/host.h"

namespace dml::ssh {

// The jump hosts of these nodes as hosts of their own, each once and behind the ones before it, so
// that their keys can be looked at and trusted like those of nodes. OpenSSH itself goes through
// them later. One that the ssh configuration makes no sense of is left out.
[[nodiscard]] std::vector<Host> JumpHostsOf(const std::vector<Host>& hosts);

}  // namespace dml::ssh
