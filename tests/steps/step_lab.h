#pragma once

#include <gtest/gtest.h>

#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/artifact.h"
#include "base/json.h"
#include "plugins/api/step.h"
#include "plugins/table/table.h"

namespace dml::steps {

// What a step left behind.
struct StepRun {
  Result<void> result;
  Json metrics = Json::object();
  std::vector<std::string> warnings;
  std::map<std::string, Artifact> outputs;  // by port

  [[nodiscard]] bool ok() const { return result.ok(); }
  // The message and hint of a failure; empty if there was none.
  [[nodiscard]] std::string Failure() const;
};

// Runs step types by name on artifacts in a folder of its own, as a worker would, without an
// orchestrator. Parameters that are not given keep their defaults; they are not validated.
class StepLab : public ::testing::Test {
 protected:
  StepLab();
  ~StepLab() override;

  using Inputs = std::vector<std::pair<std::string, Artifact>>;  // port, artifact
  StepRun Run(const std::string& uses, const Json& params, const Inputs& inputs = {},
              int threads = 1);

  // A table loaded from CSV text, in so many partitions of about as many bytes (0: as load.csv
  // decides).
  Artifact Csv(const std::string& text, std::uint64_t partitions = 0);

  // The cells of a table artifact as text, missing ones empty, in row order.
  static std::vector<std::vector<std::string>> Rows(const Artifact& artifact);
  // The bytes of an artifact's files, in order of their names.
  static std::string Bytes(const Artifact& artifact);

  // What the steps of this test are given to run with.
  std::int64_t memory_bytes_ = 0;
  std::stop_token stop_;

  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
  int runs_ = 0;
  plugins::StepRegistry registry_;
};

}  // namespace dml::steps
