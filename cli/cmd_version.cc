#include "cli/cmd_version.h"

#include <fmt/format.h>

#include "cli/version.h"
#include "orchestrator/state/schema.h"

namespace dml::cli {

Action SetupVersion(Args& args, CommonOptions&) {
  args.Example("dml version", "the version and the format of the store");
  return [](Output& output) -> Result<ExitCode> {
    if (output.format() == Format::kJson) {
      output.PrintJson({{"version", kVersion}, {"store", state::kSchemaVersion}});
    } else {
      output.Print(fmt::format("dml {} (store {})\n", kVersion, state::kSchemaVersion));
    }
    return ExitCode::kDone;
  };
}

}  // namespace dml::cli
