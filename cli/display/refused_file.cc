#include "cli/display/refused_file.h"

#include <fmt/format.h>

#include "base/counted.h"

namespace dml::cli {

Error RefusedFile(const std::string& path, const std::vector<pipelines::Diagnostic>& diagnostics,
                  const Output& output) {
  if (output.format() == Format::kJson) {
    output.PrintJson({{"valid", false}, {"diagnostics", pipelines::RenderJson(diagnostics)}});
  } else {
    output.RawMessage(Harmless(pipelines::RenderText(diagnostics)));
  }
  return Error::Invalid(fmt::format("{} in '{}'", Counted(diagnostics.size(), "error"), path));
}

}  // namespace dml::cli
