#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "pipelines/validate/context.h"

namespace dml::pipelines {

namespace {

bool GoesOnAfterItem(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Whether a text of `node`, `skipped` left out, mentions the reference; "item.key" mentions "item".
bool MentionsBelow(const Node& node, std::string_view reference, std::string_view skipped) {
  for (std::size_t at = node.text.find(reference); at != std::string::npos;
       at = node.text.find(reference, at + 1)) {
    const std::size_t end = at + reference.size();
    if (end == node.text.size() || !GoesOnAfterItem(node.text[end])) return true;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (i < node.keys.size() && node.keys[i].text == skipped) continue;
    if (MentionsBelow(node.items[i], reference, {})) return true;
  }
  return false;
}

// Whether a step that this one reads from or waits for has the key as well: then the tasks differ
// by what they are paired with.
bool ComesFromProducer(const ValidateContext& context, const StepDecl& step, std::string_view key) {
  const auto has = [&](std::size_t producer) {
    const Node* found = context.step_nodes[producer]->Find("matrix");
    // One that is a parameter is not looked into: nothing is said of what is doubtful.
    return found != nullptr && (!found->is_mapping() || found->Find(key) != nullptr);
  };
  for (const InputDecl& input : step.inputs) {
    for (const ProducerDecl& producer : input.producers) {
      if (has(producer.step)) return true;
    }
  }
  return std::ranges::any_of(step.needs, has, &ProducerDecl::step) ||
         std::ranges::any_of(step.metrics, has, &MetricUse::step);
}

}  // namespace

void WarnOfUnusedMatrix(ValidateContext& context) {
  for (std::size_t s = 0; s < context.pipeline.steps.size(); ++s) {
    const StepDecl& step = context.pipeline.steps[s];
    // A command may be run again for its own sake; a step type gives the same result each time, if
    // it gives any.
    if (!std::holds_alternative<NativeDecl>(step.work) || step.outputs.empty()) continue;
    const Node& node = *context.step_nodes[s];
    const Node* matrix = node.Find("matrix");
    if (matrix == nullptr || !matrix->is_mapping()) continue;
    for (const Node::Key& key : matrix->keys) {
      if (key.text == "include" || key.text == "exclude") continue;
      const std::string reference = "matrix." + key.text;
      if (MentionsBelow(node, reference, "matrix") || MentionsBelow(step.env, reference, {}) ||
          ComesFromProducer(context, step, key.text)) {
        continue;
      }
      context.diagnostics.Warn(
          key.place,
          fmt::format(
              "nothing in step '{}' depends on '{}': all of its values give the same result",
              step.id, key.text),
          fmt::format("write ${{matrix.{}}} where the value belongs", key.text));
    }
  }
}

}  // namespace dml::pipelines
