#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/step_spec.h"

namespace dml::plugins {

// Where a running step reports to. Thread-safe.
class StepMonitor {
 public:
  virtual ~StepMonitor() = default;
  virtual void Progress(double fraction, const std::string& note) = 0;  // fraction in [0, 1]
  virtual void Log(const std::string& line) = 0;
};

// One execution of a step: inputs to read, folders to write, results to fill in. Lives in the
// worker for the length of Run().
struct StepContext {
  std::vector<Artifact> inputs;  // grouped by port, in order
  std::string output_root;       // <attempt>/out
  std::string scratch_dir;       // removed after the attempt
  std::string checkpoint_dir;    // survives attempts, is removed after a success; empty: none
  Duration checkpoint_interval = Duration::Seconds(5);  // between two checkpoints, at least
  int threads = 1;
  std::int64_t memory_bytes = 0;  // the budget to stay within; 0: none stated
  StepMonitor* monitor = nullptr;
  std::stop_token stop;

  Json params = Json::object();  // as bound, for steps that keep them with their results

  Json metrics = Json::object();      // nested numbers, found again as steps.<id>.metrics.<path>
  std::vector<std::string> warnings;  // shown to the user and kept with the run

  // The only artifact of a port; kInvalid if it is missing.
  [[nodiscard]] Result<const Artifact*> Input(std::string_view port) const;
  [[nodiscard]] std::vector<const Artifact*> Inputs(std::string_view port) const;
  // Creates and returns <output_root>/<port>.
  [[nodiscard]] Result<std::string> OutputDirectory(std::string_view port) const;
};

// A step with its parameters bound. Stateless between runs.
class Step {
 public:
  virtual ~Step() = default;
  virtual Result<void> Run(StepContext& context) const = 0;
};

// A registered step type: its declaration and how to make it from bound parameters.
struct StepType {
  StepSpec spec;
  std::function<Result<std::unique_ptr<Step>>(const Json& params)> make;
};

// The step types and transforms of this build. Filled once by the composition root through
// explicit Register...() functions, immutable afterwards.
class StepRegistry {
 public:
  void Add(StepType type);
  void AddTransform(TransformSpec spec);

  [[nodiscard]] const StepCatalog& catalog() const { return catalog_; }
  [[nodiscard]] Result<std::unique_ptr<Step>> Make(std::string_view uses, const Json& params) const;

 private:
  StepCatalog catalog_;
  std::vector<std::function<Result<std::unique_ptr<Step>>(const Json&)>> makers_;  // as catalog_
};

}  // namespace dml::plugins
