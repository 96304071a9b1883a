#pragma once

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <string>

#include "runners/ssh/session.h"

namespace dml::ssh {

struct SshSession::Handles {
  ssh_session session = nullptr;
  ssh_channel channel = nullptr;
  ssh_channel_callbacks_struct callbacks{};  // of the channel
  std::string signal;                        // that ended its command
};

}  // namespace dml::ssh
