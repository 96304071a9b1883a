#pragma once

#include <string>

#include "base/step_spec.h"

namespace dml::pipelines {

// How a step or a transform is written in a pipeline, from its declaration alone: its inputs and
// what it requires, with words in capitals for what the reader has to fill in. Lines without
// indentation of their own, the last one ended. Pure.
std::string StepExample(const StepSpec& step);
std::string TransformExample(const TransformSpec& transform);

}  // namespace dml::pipelines
