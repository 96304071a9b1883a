#pragma once

#include "tests/sim/simulated_run.h"

namespace dml::engine {

// The node: every attempt ends after a while, in a way that the seed decides. Attempts outlive the
// process that drives the run: as orphans until somebody asks, or for good on a far node.
class SimulatedRun::Node final : public runners::Runner, public runners::RemoteFiles {
 public:
  explicit Node(SimulatedRun& sim) : sim_(sim) {}

  [[nodiscard]] runners::Capacity Total() const override {
    return {sim_.scenario_.cpus, sim_.scenario_.memory_bytes};
  }
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override;
  void Kill(runners::AttemptKey key, runners::KillMode mode) override;
  Result<runners::AttemptStatus> Find(runners::AttemptKey key) override;
  void Release(runners::AttemptKey key) override { ended_.erase(key); }
  [[nodiscard]] runners::RemoteFiles* Files() override { return this; }
  void Look(runners::LookRequest request) override;
  void Shutdown() override {}

  struct Attempt {
    runners::LaunchSpec spec;
    Instant end{0};
    runners::ExitReason reason;
    bool lost = false;
    bool orphan = false;
    bool found = false;     // by Find(): launching it takes it up
    bool hangs = false;     // TERM does not end it
    bool given_up = false;  // said to be lost, and goes on
  };
  [[nodiscard]] const std::map<runners::AttemptKey, Attempt>& live() const { return live_; }
  [[nodiscard]] bool Succeeded(const runners::AttemptKey& key) const {
    return succeeded_.contains(key);
  }
  // What an attempt found in the files that are not in the store, in their order.
  [[nodiscard]] const std::vector<Digest>& Read(const runners::AttemptKey& key) {
    return read_[key];
  }
  // The head has died; with the machine if `power`.
  void HeadDied(bool power);

 private:
  bool Refuses(const runners::LaunchSpec& spec);
  bool FindsOtherFiles(const runners::LaunchSpec& spec);
  void ReadFiles(const runners::LaunchSpec& spec);
  void Script(const runners::AttemptKey& key);
  void ScriptEnd(Attempt& attempt);
  void Echo(const runners::AttemptKey& key, Instant end);
  void Announce(const runners::AttemptKey& key, Instant when);
  std::optional<Message> End(const runners::AttemptKey& key);
  void WriteOutputs(const Attempt& attempt, bool whole);
  runners::ExitReason Reason();
  [[nodiscard]] bool HasInputs(const Attempt& attempt) const;
  [[nodiscard]] runners::AttemptExited Exit(const runners::AttemptKey& key,
                                            runners::ExitReason reason) const;

  SimulatedRun& sim_;
  std::map<runners::AttemptKey, Attempt> live_;
  std::map<runners::AttemptKey, runners::AttemptExited> ended_;  // kept for whoever asks
  std::set<runners::AttemptKey> succeeded_;
  std::map<runners::AttemptKey, std::vector<Digest>> read_;
};

}  // namespace dml::engine
