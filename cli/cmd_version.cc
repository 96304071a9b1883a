#include "cli/cmd_version.h"

#include "cli/version.h"

namespace dml::cli {

Action SetupVersion(Args& args, CommonOptions&) {
  args.Example("dml version", "the version and the format of the store");
  return [](Output& output) -> Result<ExitCode> {
    if (output.format() == Format::kJson) {
      output.PrintJson({{"version", kVersion}});
    } else {
      output.Print(std::string("dml ") + kVersion + "\n");
    }
    return ExitCode::kDone;
  };
}

}  // namespace dml::cli
