#include "orchestrator/engine/task_policy.h"

#include "pipelines/expressions/condition.h"

namespace dml::engine {

bool IsQueueable(const pipelines::TaskDecl& decl) {
  return decl.resources.cpus <= 1 && decl.resources.memory_bytes == 0;
}

namespace {

bool CleansUp(const pipelines::Condition& condition) {
  const auto parsed = pipelines::ParseCondition(condition.text);
  return parsed.expression && pipelines::AsksForFailure(*parsed.expression);
}

}  // namespace

IdMap<TaskId, core::TaskPolicy> PoliciesOf(const pipelines::ExpandedPipeline& pipeline,
                                           state::RunStore& store) {
  std::map<std::string, Duration> expected;
  // Without history every task counts the same.
  if (auto means = store.MeanDurations(); means.ok()) expected = std::move(means).value();
  IdMap<TaskId, core::TaskPolicy> policies;
  for (const pipelines::TaskDecl& decl : pipeline.tasks) {
    core::TaskPolicy policy;
    policy.retry = decl.retry;
    policy.cpus = decl.resources.cpus;
    policy.memory_bytes = decl.resources.memory_bytes;
    policy.queueable = IsQueueable(decl);
    policy.heeds_failures = !decl.condition || !decl.condition->reads_status;
    policy.cleans_up = !policy.heeds_failures && CleansUp(*decl.condition);
    const auto mean = expected.find(decl.step);
    if (mean != expected.end()) policy.expected = mean->second;
    policies.push_back(std::move(policy));
  }
  return policies;
}

}  // namespace dml::engine
