#include "pipelines/expand/pairing.h"

#include <algorithm>
#include <utility>

#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

Pairing::Pairing(const StepDecl& producer, const StepTasks& producer_tasks,
                 const StepDecl& consumer) {
  if (producer.matrix && consumer.matrix) {
    for (const std::string& key : producer.matrix->keys) {
      if (std::ranges::find(consumer.matrix->keys, key) != consumer.matrix->keys.end()) {
        shared_.push_back(key);
      }
    }
  }
  for (std::size_t i = 0; i < producer_tasks.combinations.size(); ++i) {
    const TaskId id(producer_tasks.first + i);
    if (shared_.empty()) {
      all_.push_back(id);
    } else {
      groups_[KeyOf(producer_tasks.combinations[i])].push_back(id);
    }
  }
}

std::span<const TaskId> Pairing::For(const Bindings& consumer) const {
  if (shared_.empty()) return all_;
  const auto found = groups_.find(KeyOf(consumer));
  return found == groups_.end() ? std::span<const TaskId>() : std::span(found->second);
}

std::string Pairing::SharedKeys() const {
  std::string out;
  for (const std::string& key : shared_) out += (out.empty() ? "" : ", ") + key;
  return out;
}

std::string Pairing::KeyOf(const Bindings& bindings) const {
  std::string out;
  for (const std::string& key : shared_) {
    const auto bound = std::ranges::find(bindings, key, &Binding::key);
    if (bound != bindings.end()) {
      auto& text = texts_[bound->value];
      if (text.empty()) text = CanonicalJson(ToJson(*bound->value));
      out += text;
    }
    out += '\n';  // never inside canonical JSON
  }
  return out;
}

}  // namespace dml::pipelines
