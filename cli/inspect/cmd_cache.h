#pragma once

#include <span>

#include "cli/command.h"

namespace dml::cli {

// dml cache why | ls | gc | verify
std::span<const Command> CacheCommands();

}  // namespace dml::cli
