#include "cli/predict/data_loader.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "cli/pipeline/steps_registry.h"
#include "pipelines/load.h"

namespace dml::cli {

namespace {

// A value of YAML as it is; a bare sign, such as a delimiter, would mean something else there.
std::string YamlValue(const std::string& text) {
  const auto first = static_cast<unsigned char>(text.empty() ? 0 : text.front());
  const bool plain =
      std::isalnum(first) != 0 || first >= 0x80 ||
      std::string_view("[{\"'-+./").find(static_cast<char>(first)) != std::string_view::npos;
  const bool sign = text.size() == 1 && std::isalnum(first) == 0;
  return plain && !sign ? text : CanonicalJson(text);
}

std::string Unpacked(std::string name) {
  for (const char* packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.rfind('.'));
  }
  return name;
}

bool SaysDelimiter(const std::vector<std::string>& with) {
  return std::ranges::any_of(
      with, [](const std::string& entry) { return entry.starts_with("delimiter="); });
}

// One step, so that the language judges it.
Result<std::string> PipelineText(const std::string& uses, const std::string& path,
                                 const std::vector<std::string>& with) {
  std::string text = "steps:\n  - id: data\n    uses: " + uses +
                     "\n    with:\n      path: " + CanonicalJson(path) + "\n";
  if (uses == "load.csv" && Unpacked(path).ends_with(".tsv") && !SaysDelimiter(with)) {
    text += "      delimiter: tab\n";
  }
  for (const std::string& entry : with) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0 || entry.find('\n') != std::string::npos) {
      return Error::Invalid("'--with " + entry + "' is not of the form key=value",
                            "such as `--with 'delimiter=;'`");
    }
    text += "      " + entry.substr(0, equals) + ": " + YamlValue(entry.substr(equals + 1)) + "\n";
  }
  return text;
}

}  // namespace

std::string LoaderFor(const std::string& path) {
  const std::string name = Unpacked(path);
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return "load.jsonl";
  if (name.ends_with(".svm") || name.ends_with(".svmlight") || name.ends_with(".libsvm")) {
    return "load.svmlight";
  }
  if (name.ends_with(".npy")) return "load.npy";
  return "load.csv";
}

Result<Json> LoaderParams(const std::string& uses, const std::string& path,
                          const std::vector<std::string>& with, const Output& output) {
  DML_TRY(const std::string text, PipelineText(uses, path, with));
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  options.read_file = [&](const std::string&) -> Result<std::string> { return text; };
  const pipelines::LoadedPipeline loaded = pipelines::LoadPipeline("--with", options);
  if (!loaded.ok()) {
    output.RawMessage(Harmless(pipelines::RenderText(loaded.diagnostics)));
    return Error::Invalid("'" + path + "' cannot be read as --with says",
                          "`dml steps " + uses + "` lists what there is");
  }
  Json params = std::get<pipelines::NativeWork>(loaded.pipeline.tasks[TaskId(0)].work).params;
  return params;
}

}  // namespace dml::cli
