#pragma once

#include <memory>
#include <string>
#include <utility>

#include "plugins/api/params.h"
#include "plugins/api/step.h"

namespace dml::steps {

// A step that is a function of its parameters and the context: what most adapters are.
template <typename Params>
class FunctionStep final : public plugins::Step {
 public:
  using Body = Result<void> (*)(const Params& params, plugins::StepContext& context);

  FunctionStep(Params params, Json bound, Body body)
      : params_(std::move(params)), bound_(std::move(bound)), body_(body) {}
  Result<void> Run(plugins::StepContext& context) const override {
    context.params = bound_;
    return body_(params_, context);
  }

 private:
  Params params_;
  Json bound_;
  Body body_;
};

// Declares a step type: the spec without its parameters, the schema that has them, and the body.
template <typename Params>
plugins::StepType MakeStepType(StepSpec spec, const plugins::ParamSchema<Params>& schema,
                               typename FunctionStep<Params>::Body body) {
  spec.params = schema.specs();
  spec.check = schema.check();
  auto make = [schema, body,
               check = spec.check](const Json& params) -> Result<std::unique_ptr<plugins::Step>> {
    // Again: a value that comes from another step is known only now.
    DML_RETURN_IF_ERROR(plugins::RequireValid(check, params));
    return std::unique_ptr<plugins::Step>(
        std::make_unique<FunctionStep<Params>>(schema.Read(params), params, body));
  };
  return {std::move(spec), std::move(make)};
}

// Ports, as most are.
inline PortSpec TablePort(std::string name, std::string doc) {
  PortSpec port;
  port.name = std::move(name);
  port.doc = std::move(doc);
  return port;
}
inline PortSpec ModelPort(std::string doc) {
  PortSpec port = TablePort("model", std::move(doc));
  port.kind = PortKind::kModel;
  return port;
}
inline PortSpec ReportPort() {
  PortSpec port = TablePort("report", "panels for the report");
  port.kind = PortKind::kFile;
  return port;
}

// The metric of most steps that make a table.
inline MetricSpec RowsMetric() { return {"rows", "rows of the result"}; }

}  // namespace dml::steps
