#pragma once

#include "cli/command.h"

namespace dml::cli {

// `dml webhook`: posts to an http:// address what stdin says, {"url", "headers", "body"} in CBOR. A
// process of its own, so that whoever started it can end it whatever hangs.
Action SetupWebhook(Args& args, CommonOptions& common);

}  // namespace dml::cli
