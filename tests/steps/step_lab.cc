#include "tests/steps/step_lab.h"

#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "plugins/steps/register.h"
#include "plugins/table/csv/csv.h"

namespace dml::steps {

namespace {

Artifact Collect(const std::string& port, PortKind kind, const std::string& directory) {
  Artifact artifact;
  artifact.port = port;
  artifact.kind = kind;
  if (!std::filesystem::exists(directory)) return artifact;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    ArtifactFile file;
    file.path = entry.path();
    file.name = std::filesystem::relative(entry.path(), directory);
    file.size = static_cast<std::int64_t>(entry.file_size());
    artifact.files.push_back(file);
  }
  std::ranges::sort(artifact.files, {}, &ArtifactFile::name);
  return artifact;
}

// Whatever a step reports, its type has declared.
void ExpectDeclared(const StepSpec& spec, const Json& params, const Json& metrics,
                    const std::string& prefix) {
  ASSERT_TRUE(spec.metrics) << spec.name;
  for (const auto& [name, value] : metrics.items()) {
    const std::string path = prefix + name;
    if (value.is_object() && !value.empty()) {
      ExpectDeclared(spec, params, value, path + ".");
      continue;
    }
    const bool declared = std::ranges::any_of(*spec.metrics, [&](const MetricSpec& metric) {
      return NamesMetric(metric.name, path) && MayReport(metric, params);
    });
    EXPECT_TRUE(declared) << spec.name << " reports " << path;
  }
}

}  // namespace

std::string StepRun::Failure() const {
  if (result.ok()) return "";
  return result.error().message + " | " + result.error().hint;
}

StepLab::StepLab() {
  std::string pattern = (std::filesystem::temp_directory_path() / "dml-steps-XXXXXX").string();
  folder_ = ::mkdtemp(pattern.data());
  RegisterBuiltins(registry_);
}

StepLab::~StepLab() { std::filesystem::remove_all(folder_); }

StepRun StepLab::Run(const std::string& uses, const Json& params, const Inputs& inputs,
                     int threads) {
  const std::string attempt = Path("run" + std::to_string(runs_++));
  plugins::StepContext context;
  for (const auto& [port, artifact] : inputs) {
    context.inputs.push_back(artifact);
    context.inputs.back().port = port;
  }
  context.output_root = attempt + "/out";
  context.scratch_dir = attempt + "/scratch";
  std::filesystem::create_directories(context.scratch_dir);
  context.threads = threads;
  context.memory_bytes = memory_bytes_;
  context.stop = stop_;
  StepRun run;
  auto step = registry_.Make(uses, params);
  if (!step.ok()) {
    run.result = step.error();
    return run;
  }
  run.result = (*step)->Run(context);
  run.metrics = context.metrics;
  ExpectDeclared(*registry_.catalog().FindStep(uses), params, run.metrics, "");
  run.warnings = context.warnings;
  for (const PortSpec& port : registry_.catalog().FindStep(uses)->outputs) {
    run.outputs[port.name] = Collect(port.name, port.kind, context.output_root + "/" + port.name);
  }
  return run;
}

Artifact StepLab::Csv(const std::string& text, std::uint64_t partitions) {
  const std::string path = Path("data" + std::to_string(runs_) + ".csv");
  EXPECT_TRUE(WriteFileAtomic(path, text).ok());
  Json params = {{"path", path}};
  if (partitions != 0) params["partitions"] = partitions;
  StepRun run = Run("load.csv", params);
  EXPECT_TRUE(run.ok()) << run.Failure();
  return run.outputs["data"];
}

std::vector<std::vector<std::string>> StepLab::Rows(const Artifact& artifact) {
  auto table = table::Table::Open(artifact.files);
  std::vector<std::vector<std::string>> rows;
  if (!table.ok()) {
    ADD_FAILURE() << table.error().message;
    return rows;
  }
  for (std::size_t part = 0; part < table->partition_count(); ++part) {
    auto batch = table->Read(part);
    if (!batch.ok()) ADD_FAILURE() << batch.error().message;
    for (std::size_t row = 0; row < batch->rows; ++row) {
      std::vector<std::string>& cells = rows.emplace_back();
      for (const table::Column& column : batch->columns) cells.push_back(column.AsText(row));
    }
  }
  return rows;
}

std::string StepLab::Bytes(const Artifact& artifact) {
  std::string bytes;
  for (const ArtifactFile& file : artifact.files) {
    auto content = ReadFile(file.path);
    EXPECT_TRUE(content.ok()) << file.path;
    if (content.ok()) bytes += file.name + "\n" + *content;
  }
  return bytes;
}

}  // namespace dml::steps
