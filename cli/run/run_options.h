#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/args.h"
#include "cli/pipeline/pipeline_file.h"
#include "orchestrator/engine/session.h"

namespace dml::cli {

// What `dml run` and `dml plan` share.
struct RunArgs {
  PipelineArgs pipeline;
  int jobs = 0;
  bool keep_going = false;
  bool force = false;
  bool no_cache = false;
  bool dry_run = false;
  bool explain = false;
  bool concurrent = false;
  std::string id_file;
  std::string once;     // no second run begins for it; may be empty
  int parent = 0;       // a process that the run ends with until it has begun; 0: none
  std::string cluster;  // an inventory; empty: this machine
  std::vector<std::string> from;
  std::vector<std::string> until;
};
void AddRunArgs(Args& args, RunArgs& run);

engine::RunOptions EngineOptions(const RunArgs& args, const OpenedPipeline& pipeline);

// Fails if there is no home yet: for commands that are about what runs have left, and make none.
Result<void> CheckHomeIsThere(const std::string& home);
// The same for what looks after the store: one that several homes share is there without this one.
Result<void> CheckStoreIsThere(const std::string& home);

// Home::Open with --home, else DML_HOME, else the search from the working directory.
Result<engine::Home> OpenHome(const std::string& home);

// The same for a command that only asks, also a home that cannot be written.
Result<engine::Home> OpenHomeToAsk(const std::string& home);

// The same for a command that leaves nothing behind: a home that does not exist yet is an empty
// folder elsewhere, which goes with this object.
class BorrowedHome {
 public:
  static Result<BorrowedHome> Open(const std::string& home);
  BorrowedHome(BorrowedHome&& other) noexcept;
  BorrowedHome& operator=(BorrowedHome&&) = delete;
  ~BorrowedHome();

  [[nodiscard]] const engine::Home& home() const { return home_; }

 private:
  BorrowedHome(engine::Home home, std::string temporary)
      : home_(std::move(home)), temporary_(std::move(temporary)) {}

  engine::Home home_;
  std::string temporary_;  // "" if the home stays
};

}  // namespace dml::cli
