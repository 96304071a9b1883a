#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "pipelines/expressions/reference.h"
#include "pipelines/yaml/diagnostics.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// How the language reads the world: parameters, so that the rest is pure and tests need no disk.
using EnvLookup = std::function<std::optional<std::string>(const std::string& name)>;
using FileReader = std::function<Result<std::string>(const std::string& path)>;

// Whether the text of a key of `schedule:` (cron, timezone) means something.
using ScheduleChecker =
    std::function<Result<void>(const std::string& key, const std::string& text)>;

struct World {
  EnvLookup env;
  FileReader read_file;
  FileReader read_secret;  // of what stays a reference; absent: read_file
  std::string schedule_time;
  ScheduleChecker check_schedule;  // absent: nothing is checked
  // Whether the start of data files may be read, to check the columns that parameters name.
  bool look_at_data = false;
};

// Step ids, with the prefix of their include, to positions.
using StepNames = std::unordered_map<std::string, std::size_t>;

// A value of one matrix key in one task; `foreach` binds the key "item".
struct Binding {
  std::string_view key;
  const Node* value = nullptr;
};
using Bindings = std::vector<Binding>;

// What the references of one step mean. Everything is borrowed.
struct Scope {
  const Node* params = nullptr;      // a mapping; its texts may still hold ${env} and ${file}
  std::string_view prefix;           // "prep." for the steps of an include
  const StepNames* steps = nullptr;  // null where ${steps...} is not allowed
  const std::vector<std::string>* matrix_keys = nullptr;       // null: not inside a step
  const Bindings* task = nullptr;                              // null before expansion
  const std::map<std::string, std::string>* inputs = nullptr;  // of a `run:` step
  const std::map<std::string, std::string>* outputs = nullptr;
};

// A text that references make longer than this is refused: parameters that double each other would
// fill the memory.
inline constexpr std::size_t kTextBytesMax = 1U << 20U;

// What becomes of a scalar with references.
struct Resolved {
  enum class State : std::uint8_t {
    kKnown,      // `value()`
    kPerTask,    // it needs a task's matrix values
    kAtRunTime,  // `text` still holds the references `left`
    kFailed,     // reported
  };
  State state = State::kKnown;
  const Node* shared = nullptr;  // kKnown: a node that lives elsewhere, or null for `owned`
  Node owned;
  std::string text;
  std::vector<Reference> left;  // also of kPerTask, and of kFailed those that are right

  [[nodiscard]] const Node& value() const { return shared != nullptr ? *shared : owned; }
};

enum class ResolveMode : std::uint8_t {
  kValue,        // ${env.X} and ${file:x} become their values
  kByReference,  // they stay as text: secrets must not be stored
};

// The id of the step that `name` means inside a file included with `prefix`; "" if there is none.
std::string FindStepId(const StepNames& steps, std::string_view prefix, std::string_view name);

// Resolves references; everything wrong goes to the diagnostics at the place of the reference. Not
// thread-safe.
class Resolver {
 public:
  Resolver(const World& world, Diagnostics& diagnostics)
      : world_(world), diagnostics_(diagnostics) {}

  [[nodiscard]] Resolved Resolve(const Node& node, const Scope& scope,
                                 ResolveMode mode = ResolveMode::kValue) const;

  // The same of one reference that was read from the text of `node` by a parser of its own.
  [[nodiscard]] Resolved ResolveOne(const Reference& reference, const Node& node,
                                    const Scope& scope) const;

  [[nodiscard]] Diagnostics& diagnostics() const { return diagnostics_; }
  // The same resolver with another collector.
  [[nodiscard]] Resolver WithDiagnostics(Diagnostics& other) const { return {world_, other}; }

 private:
  struct Assembly;

  [[nodiscard]] const ReadText& Parsed(const std::string& text) const;
  [[nodiscard]] Resolved Assemble(const Template& pieces, const Node& node, const Scope& scope,
                                  ResolveMode mode) const;
  void Append(const Reference& reference, const Node& at, const Scope& scope, ResolveMode mode,
              Assembly& out) const;
  void AppendNode(const Node& value, const Reference& reference, const Node& at, const Scope& scope,
                  ResolveMode mode, Assembly& out) const;
  void AppendWorld(const Reference& reference, const Node& at, ResolveMode mode,
                   Assembly& out) const;
  void AppendMatrix(const Reference& reference, const Node& at, const Scope& scope,
                    ResolveMode mode, Assembly& out) const;
  void AppendMetric(const Reference& reference, const Node& at, const Scope& scope,
                    Assembly& out) const;
  void AppendPort(const Reference& reference, const Node& at, const Scope& scope,
                  Assembly& out) const;
  void Fail(Assembly& out, const Node& at, const Reference& reference, std::string message,
            std::string hint = {}) const;
  [[nodiscard]] Place PlaceOf(const Node& node, std::size_t offset, std::size_t length) const;

  const World& world_;
  Diagnostics& diagnostics_;
  // Every task of a matrix has the same texts: what they consist of is found out once.
  mutable std::unordered_map<std::string, ReadText> parsed_;
};

}  // namespace dml::pipelines
