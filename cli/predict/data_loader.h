#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/display/output.h"

namespace dml::cli {

// The step type that reads a file with such a name, packed or not; load.csv for all that is not
// known.
[[nodiscard]] std::string LoaderFor(const std::string& path);

// The parameters of the loader `uses` for the absolute `path`: its defaults, and what the delimiter
// of its name (.tsv), and what `with` says in entries "key=value", each as it would stand under
// `with:` in a pipeline. What is wrong with them is shown as in a pipeline, and kInvalid.
Result<Json> LoaderParams(const std::string& uses, const std::string& path,
                          const std::vector<std::string>& with, const Output& output);

}  // namespace dml::cli
