#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// Where the files of an attempt's inputs go that are no longer what their digests say: into this
// folder of the attempt, by their digests. The store then lacks them, and they are made again.
inline constexpr char kDamagedFolder[] = "damaged";

// Nobody may write to a file of the store, but root can, through the links that its commands get.
// Then whatever reads that file is wrong from there on, and would stay so: the guard of an attempt
// looks at its inputs before and after. Of one that is sealed (base/sealed_file.h) and of its size
// it asks nothing but that; it reads any other. Files that are read where a node has them are to
// have the stamps that they had when the key of the task was made.
class InputGuard {
 public:
  // Borrows the spec.
  explicit InputGuard(const runners::LaunchSpec& spec) : spec_(spec) {}

  // What is wrong with the inputs, of kind kEnvironment: another attempt may get better ones.
  std::optional<Error> Before();
  // To be asked after Before() found nothing wrong, and the attempt has ended well. kTask if an
  // input was changed meanwhile; kEnvironment if somebody took it away, or changed a file of the
  // node, so that nobody knows what was read.
  std::optional<Error> After() const;
  // A file of the node that is not what it was when it was looked at: kEnvironment, whatever came
  // of the attempt.
  [[nodiscard]] std::optional<Error> FindChanged() const;

 private:
  struct Identity {
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;  // 0: the file system does not say
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  enum class State { kGood, kDamaged, kGone };
  struct Look {
    State state = State::kGood;
    Identity identity;
  };
  [[nodiscard]] Look LookAt(const ArtifactFile& file) const;
  void PutAside(const ArtifactFile& file) const;

  const runners::LaunchSpec& spec_;
  std::vector<Identity> before_;  // of all files, in their order
};

// How an attempt ends that changed an input. Neither its own exit code nor a signal's.
inline constexpr int kChangedInputExit = 125;

}  // namespace dml::agent
