#pragma once

#include <vector>

#include "base/json.h"
#include "base/param_spec.h"
#include "pipelines/task_decl.h"

namespace dml::pipelines {

// The keys of a step that are no data: retry, timeout, resources, cache. Declared like parameters,
// so that checking, schema and reference come from one place.
const std::vector<ParamSpec>& SettingSpecs();
// The keys of `schedule:` and of a hook under `on:`.
const std::vector<ParamSpec>& ScheduleSpecs();
const std::vector<ParamSpec>& HookSpecs();

struct Settings {
  RetryPolicy retry;
  Resources resources;
  Duration timeout{0};
  bool cache = true;
};

// From Json bound to SettingSpecs().
Settings ReadSettings(const Json& bound);

}  // namespace dml::pipelines
