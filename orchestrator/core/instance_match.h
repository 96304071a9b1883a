#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dml::core {

// The step of a task, by its name: "train" of "train@C=0.1" and of "train[3]".
[[nodiscard]] std::string_view StepOf(std::string_view task);

// What an instance of a step whose matrix has changed is to be held against.
struct Kin {
  std::string name;       // the instance of old that has most values in common with it
  bool replaced = false;  // that is no longer there: the new one came in its place
  // What nothing of old had: "C=0.3", "[3]"; all values, if only their combination is new.
  std::string fresh;
};

// For every task in `now` that is not in `before`, both of one step: its kin. None if there was
// nothing before. One that is gone is replaced by one alone, unless it lives on in several: when
// the matrix has got another axis, say.
[[nodiscard]] std::map<std::string, Kin> MatchInstances(const std::vector<std::string>& before,
                                                        const std::vector<std::string>& now);

}  // namespace dml::core
