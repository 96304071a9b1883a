#pragma once

#include <map>
#include <string>

#include "pipelines/load.h"
#include "pipelines/validate/validate.h"

namespace dml::pipelines::testing {

// A small catalog with every parameter type, in the shape of the real one.
const StepCatalog& TestCatalog();

// Files and variables in memory.
struct TestWorld {
  std::map<std::string, std::string> files;  // by absolute path
  std::map<std::string, std::string> env;
  Overrides overrides;

  // Loads `text` as /project/p.yaml.
  LoadedPipeline Load(const std::string& text) const;
};

// The pipeline of a text that must be right.
ExpandedPipeline MustLoad(const std::string& text, const Overrides& overrides = {});

// The rendered diagnostics of a text.
std::string Errors(const std::string& text);

const TaskDecl& Task(const ExpandedPipeline& pipeline, const std::string& name);

}  // namespace dml::pipelines::testing
