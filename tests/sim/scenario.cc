#include <fmt/format.h>

#include "tests/sim/simulated_run.h"

namespace dml::engine {

namespace {

// Draws of their own, as well: some read files that only nodes have.
void PutFilesOnNodes(std::uint64_t seed, std::size_t tasks, PipelineMaker& maker) {
  const Philox places(seed, "places");
  if (places.Below(3, 0) != 0) return;
  for (std::size_t i = 0; i < tasks; ++i) {
    if (places.Below(3, 1 + i) != 0) continue;
    const std::string name = fmt::format("f{}", places.Below(4, 100 + i));
    maker[TaskId(i)].files.push_back({"data", name, {}, "far"});
  }
}

// Files that this machine has, and that somebody writes, or nobody.
bool PutFilesHere(std::uint64_t seed, std::size_t tasks, PipelineMaker& maker) {
  const Philox files(seed, "files");
  if (files.Below(3, 0) != 0) return false;
  for (std::size_t i = 0; i < tasks; ++i) {
    if (files.Below(3, 1 + i) != 0) continue;
    maker[TaskId(i)].files.push_back({"rows", fmt::format("f{}", files.Below(3, 100 + i)), {}});
  }
  return files.Below(4, 200) != 0;
}

// Some tasks may lose more attempts than others.
void LimitPatience(std::uint64_t seed, std::size_t tasks, PipelineMaker& maker) {
  const Philox patience(seed, "patience");
  if (patience.Below(4, 0) != 0) return;
  for (std::size_t i = 0; i < tasks; ++i) {
    maker[TaskId(i)].retry.infrastructure_limit = static_cast<int>(patience.Below(5, 1 + i));
  }
}

}  // namespace

Scenario Scenario::From(std::uint64_t seed, bool all_kinds) {
  const Philox random(seed, "scenario");
  std::uint64_t draws = 0;
  const auto draw = [&](std::uint64_t bound) { return random.Below(bound, draws++); };

  Scenario scenario;
  PipelineMaker maker;
  const std::size_t tasks = 1 + draw(25);
  for (std::size_t i = 0; i < tasks; ++i) {
    std::vector<TaskId> inputs;
    for (std::size_t n = draw(3); n > 0 && i > 0; --n) inputs.emplace_back(draw(i));
    // Few distinct parameters: some tasks have equal keys.
    const TaskId task = maker.Add(fmt::format("t{}", i), inputs, {{"x", draw(12)}});
    pipelines::TaskDecl& decl = maker[task];
    decl.retry.limit = static_cast<int>(draw(3));
    decl.retry.backoff = Duration::Millis(static_cast<std::int64_t>(1 + draw(5000)));
    decl.resources.cpus = 1 + static_cast<double>(draw(3));
    decl.resources.memory_bytes = static_cast<std::int64_t>(draw(4)) << 20;
    decl.cache = draw(4) != 0;
    decl.row_local = draw(3) == 0;
    if (draw(4) == 0) decl.retry.on_exit_codes = {1};
    if (i > 0 && draw(5) == 0) decl.needs.emplace_back(draw(i));
    if (inputs.empty() && draw(3) == 0) decl.condition = {"always()", {}, true};
    if (draw(4) == 0) {
      decl.outputs.clear();
      // Equal keys mean equal outputs: what a step leaves follows from its type.
      std::get<pipelines::NativeWork>(decl.work).params["silent"] = true;
    }
  }
  // An input needs an output at the other end.
  for (std::size_t i = 0; i < tasks; ++i) {
    for (const auto& edge : maker[TaskId(i)].inputs) {
      pipelines::TaskDecl& producer = maker[edge.producer];
      producer.outputs = {TablePort("out")};
      std::get<pipelines::NativeWork>(producer.work).params.erase("silent");
    }
  }
  // Draws of its own: what earlier seeds have found stays found.
  const Philox steadiness(seed, "steadiness");
  scenario.unsteady = steadiness.Below(4, 0) == 0;
  for (std::size_t i = 0; scenario.unsteady && i < tasks; ++i) {
    auto& params = std::get<pipelines::NativeWork>(maker[TaskId(i)].work).params;
    if (steadiness.Below(4, 1 + i) == 0) params["unsteady"] = i;
  }
  if (all_kinds) LimitPatience(seed, tasks, maker);
  PutFilesOnNodes(seed, tasks, maker);
  scenario.shifting = all_kinds && PutFilesHere(seed, tasks, maker);
  scenario.pipeline = std::move(maker.pipeline);
  scenario.cpus = 1 + static_cast<double>(draw(5));
  scenario.memory_bytes = draw(2) == 0 ? 0 : std::int64_t{6} << 20;
  scenario.options.keep_going = draw(2) == 0;
  scenario.options.prefetch_max = static_cast<int>(draw(4));
  scenario.failures = draw(2) == 0;
  scenario.losses = draw(3) == 0;
  scenario.echoes = draw(2) == 0;
  scenario.refusals = draw(4) == 0;
  scenario.full_disks = draw(4) == 0;
  scenario.cancels = draw(4) == 0;
  scenario.clock_jumps = draw(3) == 0;
  scenario.power_losses = draw(2) == 0;
  scenario.lost_blobs = draw(5) == 0;
  scenario.survivors = draw(4) == 0;
  scenario.lost_replies = draw(4) == 0;
  scenario.hangs = draw(4) == 0;
  scenario.crashes = draw(4) == 0 ? 0 : static_cast<int>(1 + draw(6));
  return scenario;
}

Scenario Scenario::Undisturbed() const {
  Scenario calm;
  calm.pipeline = pipeline;
  calm.options = options;
  calm.cpus = cpus;
  calm.memory_bytes = memory_bytes;
  return calm;
}

}  // namespace dml::engine
