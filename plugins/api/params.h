#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/result.h"
#include "base/step_spec.h"
#include "plugins/api/param_codec.h"

namespace dml::plugins {

// A number of things, at least 1, or a share of them, in (0, 1): test_size, n_components.
[[nodiscard]] ParamSpec CountOrShareSpec();

// Collects what a check finds; `at` is a JSON pointer such as "/min".
class Problems {
 public:
  void Add(std::string at, std::string message, std::string hint = {}) {
    found_.push_back({std::move(at), std::move(message), std::move(hint), {}});
  }
  void Add(std::string at, const Error& error) { Add(std::move(at), error.message, error.hint); }
  void Add(ParamProblem problem) { found_.push_back(std::move(problem)); }
  [[nodiscard]] std::vector<ParamProblem> Take() { return std::move(found_); }

 private:
  std::vector<ParamProblem> found_;
};

// The first problem that `check` finds as an error; nothing if there is none, or no check.
[[nodiscard]] Result<void> RequireValid(const ParamCheck& check, const Json& params);

// The parameters of one step type, declared once next to the struct they fill:
//
//   struct RidgeParams { double alpha = 1.0; bool fit_intercept = true; };
//   const auto kSchema = ParamSchema<RidgeParams>()
//       .Add("alpha", &RidgeParams::alpha, "strength of the penalty").AtLeast(0)
//       .Add("fit_intercept", &RidgeParams::fit_intercept, "learn an intercept");
//
// Types come from the members, defaults from the member initialisers. AtLeast() and its siblings
// refine the parameter added last. Check() adds a rule that concerns several of them, or one whose
// type says too little; it judges before anything runs. Build once, then const and thread-safe.
template <typename T>
class ParamSchema {
 public:
  template <typename M>
  ParamSchema& Add(std::string name, M T::*member, std::string doc) {
    ParamSpec spec;
    ParamCodec<M>::Describe(spec);
    spec.default_value = ParamCodec<M>::Show(T{}.*member);
    return Append(std::move(spec), std::move(name), std::move(doc),
                  [member](T& out, const Json& json) { out.*member = ParamCodec<M>::Read(json); });
  }

  // An enumeration: the first name of each value is the one shown.
  template <typename E>
  ParamSchema& AddEnum(std::string name, E T::*member,
                       std::vector<std::pair<std::string, E>> choices, std::string doc) {
    ParamSpec spec;
    spec.type = ParamType::kEnum;
    for (const auto& [text, value] : choices) {
      spec.choices.push_back(text);
      if (value == T{}.*member && spec.default_value.is_null()) spec.default_value = text;
    }
    return Append(std::move(spec), std::move(name), std::move(doc),
                  [member, choices = std::move(choices)](T& out, const Json& json) {
                    for (const auto& [text, value] : choices) {
                      if (text == json.get<std::string>()) out.*member = value;
                    }
                  });
  }

  // A nested mapping with its own schema; the member is a U or an optional<U>.
  template <typename M, typename U>
  ParamSchema& AddObject(std::string name, M T::*member, const ParamSchema<U>& schema,
                         std::string doc) {
    ParamSpec spec;
    spec.type = ParamType::kObject;
    spec.element = schema.specs();
    if (schema.has_checks()) {
      rules_.push_back([name, schema](const Json& params, const T&, Problems& problems) {
        const auto found = params.find(name);
        if (found == params.end() || found->is_null()) return;
        for (ParamProblem& problem : schema.FindProblems(*found)) {
          problem.at.insert(0, "/" + name);
          problems.Add(std::move(problem));
        }
      });
    }
    return Append(std::move(spec), std::move(name), std::move(doc),
                  [member, schema](T& out, const Json& json) { out.*member = schema.Read(json); });
  }

  // Any other shape: a hand-written spec (type, choices, element, default), kept as Json.
  ParamSchema& AddJson(std::string name, Json T::*member, ParamSpec spec, std::string doc) {
    return Append(std::move(spec), std::move(name), std::move(doc),
                  [member](T& out, const Json& json) { out.*member = json; });
  }

  ParamSchema& Required() {
    Last().required = true;
    Last().default_value = Json();
    return *this;
  }
  ParamSchema& AtLeast(double bound) {
    Last().minimum = bound;
    return *this;
  }
  ParamSchema& AtMost(double bound) {
    Last().maximum = bound;
    return *this;
  }
  ParamSchema& MoreThan(double bound) {
    Last().minimum_exclusive = true;
    return AtLeast(bound);
  }

  // `rule` is a pure void(const T&, Problems&).
  template <typename Judge>
  ParamSchema& Check(Judge rule) {
    rules_.push_back([rule = std::move(rule)](const Json&, const T& params, Problems& problems) {
      rule(params, problems);
    });
    return *this;
  }

  [[nodiscard]] const std::vector<ParamSpec>& specs() const { return specs_; }
  [[nodiscard]] bool has_checks() const { return !rules_.empty(); }
  [[nodiscard]] std::vector<ParamProblem> FindProblems(const Json& params) const {
    Problems problems;
    const T read = Read(params);
    for (const Rule& rule : rules_) rule(params, read, problems);
    return problems.Take();
  }
  // FindProblems as a step type declares it; empty without rules.
  [[nodiscard]] ParamCheck check() const {
    if (!has_checks()) return {};
    return [schema = *this](const Json& params) { return schema.FindProblems(params); };
  }

  // Fills a T from bound Json. Keys that are absent or null keep their defaults.
  [[nodiscard]] T Read(const Json& params) const {
    T out;
    for (std::size_t i = 0; i < specs_.size(); ++i) {
      const auto found = params.find(specs_[i].name);
      if (found != params.end() && !found->is_null()) readers_[i](out, *found);
    }
    return out;
  }

 private:
  using Reader = std::function<void(T&, const Json&)>;
  using Rule = std::function<void(const Json&, const T&, Problems&)>;

  ParamSchema& Append(ParamSpec spec, std::string name, std::string doc, Reader reader) {
    spec.name = std::move(name);
    spec.doc = std::move(doc);
    specs_.push_back(std::move(spec));
    readers_.push_back(std::move(reader));
    return *this;
  }
  ParamSpec& Last() {
    DML_CHECK(!specs_.empty(), "a bound refines the parameter before it");
    return specs_.back();
  }

  std::vector<ParamSpec> specs_;
  std::vector<Reader> readers_;
  std::vector<Rule> rules_;
};

}  // namespace dml::plugins
