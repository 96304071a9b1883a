#pragma once

#include <libssh/libssh.h>

#include "runners/ssh/session.h"

namespace dml::ssh {

struct SshSession::Handles {
  ssh_session session = nullptr;
  ssh_channel channel = nullptr;
};

}  // namespace dml::ssh
