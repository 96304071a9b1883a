// The whole chain from bytes to tasks: nothing may crash, hang or be accepted with a diagnostic.

#include <cstddef>
#include <cstdint>
#include <string>

#include "pipelines/help/graph_text.h"
#include "pipelines/load.h"

namespace {

dml::StepCatalog MakeCatalog() {
  dml::StepCatalog catalog;
  dml::StepSpec step;
  step.name = "a.b";
  for (int type = 0; type <= static_cast<int>(dml::ParamType::kAny); ++type) {
    dml::ParamSpec param;
    param.name = std::string("p") + static_cast<char>('a' + type);
    param.type = static_cast<dml::ParamType>(type);
    param.choices = {"x", "y"};
    dml::ParamSpec element;
    element.type = dml::ParamType::kInt;
    element.name = "n";
    param.element = {element};
    step.params.push_back(param);
  }
  step.inputs.resize(1);
  step.inputs[0].name = "in";
  step.inputs[0].required = false;
  step.inputs[0].many = true;
  step.outputs.resize(1);
  step.outputs[0].name = "out";
  catalog.steps.push_back(step);
  catalog.transforms.push_back({"t", "", "", step.params});
  return catalog;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dml::StepCatalog catalog = MakeCatalog();
  const std::string text(reinterpret_cast<const char*>(data), size);
  dml::pipelines::LoadOptions options;
  options.catalog = &catalog;
  options.env = [](const std::string&) { return std::optional<std::string>("v"); };
  options.read_file = [&](const std::string&) -> dml::Result<std::string> { return text; };
  const auto loaded = dml::pipelines::LoadPipeline("/p.yaml", options);
  const std::string shown = dml::pipelines::RenderText(loaded.diagnostics);
  DML_CHECK(loaded.ok() == shown.empty(), "every diagnostic has a text");
  if (loaded.ok() && loaded.pipeline.tasks.size() < 1000) {
    DML_CHECK(!dml::pipelines::ToMermaid(loaded.pipeline).empty(), "every pipeline has a picture");
  }
  return 0;
}
