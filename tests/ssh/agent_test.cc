// The resident agent of a node, served in this process: what it does with heads that fall silent,
// with attempts of an agent before it, with logs and blobs.

#include "runners/node/agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "base/files.h"
#include "runners/agent/record_file.h"
#include "runners/node/record_book.h"
#include "runners/node/territory.h"
#include "runners/node/unix_socket.h"
#include "runners/node/upkeep.h"
#include "runners/ssh/node_port.h"
#include "tests/runners/recording_sink.h"
#include "tests/send_signal.h"

namespace dml::node {
namespace {

namespace fs = std::filesystem;
using runners::AttemptKey;
using runners::Frame;
using runners::FrameType;

constexpr Duration kPatience = Duration::Seconds(60);

AttemptKey KeyOf(std::size_t task) { return {RunId{1}, TaskId(task), AttemptNumber{1}}; }

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    std::string name = (fs::temp_directory_path() / "dml-agent-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    root_ = base_ + "/node";
    EXPECT_TRUE(Claim(root_).ok());
    fs::create_directories(root_ + "/records");
    fs::create_directories(root_ + "/logs");
    options_.root = root_;
    options_.worker_argv = {"/bin/false"};
  }
  ~AgentTest() override {
    if (agent_) agent_->Stop();
    if (server_.joinable()) server_.join();
    agent_.reset();
    for (const pid_t pid : children_) {
      SendSignal(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    fs::remove_all(base_);
  }

  // A process in a group of its own that waits for signals.
  ProcessId Child(bool deaf = false) {
    struct sigaction before {};
    struct sigaction ignore {};
    ignore.sa_handler = deaf ? SIG_IGN : SIG_DFL;
    ::sigaction(SIGTERM, &ignore, &before);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) ::pause();
    }
    ::setpgid(pid, pid);
    ::sigaction(SIGTERM, &before, nullptr);
    children_.push_back(pid);
    return {pid, StartOf(pid).value_or(0), BootId()};
  }
  // A shell in a session of its own that carries that mark.
  ProcessId Marked(const std::string& mark, const std::string& script) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setsid();
      ::setenv("DML_OWNER", mark.c_str(), 1);
      ::execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
      ::_exit(127);
    }
    children_.push_back(pid);
    const std::string path = fmt::format("/proc/{}/environ", pid);
    Await(
        [&] {
          const auto text = ReadFile(path);
          return text.ok() && text->find(mark) != std::string::npos;
        },
        "the mark");
    return {pid, StartOf(pid).value_or(0), BootId()};
  }
  // The signal that ended a child.
  int SignalThatEnded(const ProcessId& child) {
    int status = 0;
    bool ended = false;
    Await([&] { return ended = ::waitpid(child.pid, &status, WNOHANG) == child.pid; }, "the end");
    if (ended) std::erase(children_, child.pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  // An attempt that an agent before this one has left.
  agent::AttemptRecord RecordOf(std::size_t task, const ProcessId& worker,
                                std::optional<ProcessId> command = std::nullopt) {
    agent::AttemptRecord record;
    record.key = KeyOf(task);
    record.worker = worker;
    if (command) record.command_pid = command->pid;
    if (command) record.command_start = command->start;
    record.grace = Duration::Millis(50);
    record.attempt_dir = AttemptPaths(root_, AttemptName("head", record.key)).folder;
    record.noted = clock_.Wall();
    return record;
  }
  void Write(const agent::AttemptRecord& record) {
    const auto slot = static_cast<std::uint32_t>(record.key.task.value);
    agent::RecordWriter writer;
    ASSERT_TRUE(writer.Append(agent::RecordPathOf(root_ + "/records", {1, slot}), record).ok());
  }

  void Serve() {
    auto agent = Agent::Open(options_);
    ASSERT_TRUE(agent.ok()) << agent.error().message;
    agent_ = std::move(agent).value();
    server_ = std::jthread([this] { agent_->Serve(); });
    const auto fd = ConnectTo(root_, "agent.sock");
    ASSERT_TRUE(fd.ok());
    head_.Open(*fd, clock_.Now());
    Send(FrameType::kAttach, Encode(Attach{kWireVersion, "head"}));
    ASSERT_TRUE(Receive(FrameType::kAttached));
  }
  void Send(FrameType type, const std::string& payload) {
    head_.Send(type, payload);
    head_.Flush();
  }
  // The next frame of this type; others are passed over.
  std::optional<Frame> Receive(FrameType type) {
    std::optional<Frame> found;
    Await(
        [&] {
          pollfd ready{head_.fd(), POLLIN, 0};
          if (frames_.empty() && ::poll(&ready, 1, 10) == 1) {
            for (Frame& frame : head_.Receive(clock_.Now())) frames_.push_back(std::move(frame));
          }
          while (!frames_.empty() && !found) {
            if (frames_.front().type == type) found = std::move(frames_.front());
            frames_.pop_front();
          }
          return found.has_value();
        },
        "a frame comes");
    return found;
  }
  static void Await(const std::function<bool()>& condition, const char* what) {
    const SystemClock clock;
    const Instant deadline = clock.Now() + kPatience;
    while (!condition()) {
      if (clock.Now() > deadline) {
        ADD_FAILURE() << "never happened: " << what;
        return;
      }
      ::poll(nullptr, 0, 5);
    }
  }

  std::string base_;
  std::string root_;
  AgentOptions options_;
  const SystemClock clock_;
  std::vector<pid_t> children_;
  std::unique_ptr<Agent> agent_;
  std::jthread server_;
  ssh::NodePort head_;
  std::deque<Frame> frames_;
};

// Whoever asks gets one answer to each question, by its number; what makes no sense gets none.
TEST_F(AgentTest, SaysWhatFilesItsNodeHas) {
  options_.files_from = base_;
  std::ofstream(base_ + "/a.csv") << "x";
  Serve();
  Send(FrameType::kLook, "nonsense");
  Send(FrameType::kLook, Encode(Look{8, "none.csv"}));
  Send(FrameType::kLook, Encode(Look{9, "*.csv"}));
  const auto first = DecodeLooked(Receive(FrameType::kLooked).value_or(Frame{}).payload);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->id, 8U);
  EXPECT_EQ(first->error.kind, ErrorKind::kInvalid);
  EXPECT_EQ(first->error.message, "there is no file '" + base_ + "/none.csv'");
  const auto second = DecodeLooked(Receive(FrameType::kLooked).value_or(Frame{}).payload);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->id, 9U);
  ASSERT_EQ(second->files.size(), 1U);
  EXPECT_EQ(second->files[0].name, "a.csv");
  EXPECT_EQ(second->files[0].digest, Sha256::Of("x"));
}

// Steps get the files themselves, and links to exactly those of a glob.
TEST_F(AgentTest, FilesOfTheNodeAreReadInPlace) {
  auto blobs = BlobCache::Open(root_);
  ASSERT_TRUE(blobs.ok());
  const AttemptPaths paths(root_, "head.1.2.1");
  runners::LaunchSpec spec;
  spec.work = std::vector<runners::NativeStep>{
      {"load.csv", {{"path", Json::array({"a.csv", "*.csv"})}, {"comment", "a.csv"}}}};
  const std::vector<ArtifactFile> files{{"a.csv", base_ + "/a.csv", 1, Sha256::Of("x")},
                                        {"b.csv", base_ + "/b.csv", 1, Sha256::Of("y")}};
  runners::FileSet one{"a.csv", {files[0]}, {}};
  one.in_place = runners::InPlace{"n2", 0, "/path/0", {{}}};
  runners::FileSet all{"*.csv", files, {}};
  all.in_place = runners::InPlace{"n2", 0, "/path/1", {{}, {}}};
  spec.files = {one, all};
  const runners::LaunchSpec asked = spec;
  const auto absent = PlaceAttempt(paths, *blobs, spec);
  ASSERT_TRUE(absent.ok()) << absent.error().message;
  EXPECT_TRUE(absent->empty()) << "nothing is sent";
  const Json& params = std::get<std::vector<runners::NativeStep>>(spec.work)[0].params;
  EXPECT_EQ(params["path"][0], base_ + "/a.csv");
  EXPECT_EQ(params["path"][1], paths.folder + "/looked/1/*");
  EXPECT_EQ(params["comment"], "a.csv") << "which is no path";
  EXPECT_EQ(fs::read_symlink(paths.folder + "/looked/1/000001-b.csv"), base_ + "/b.csv");
  EXPECT_EQ(spec.files.size(), 2U) << "they are watched";

  const auto refused = [&](const std::function<void(runners::InPlace&)>& spoil) {
    runners::LaunchSpec bad = asked;
    spoil(*bad.files[0].in_place);
    return !PlaceAttempt(paths, *blobs, bad).ok();
  };
  EXPECT_TRUE(refused([](runners::InPlace& place) { place.step = 1; }));
  EXPECT_TRUE(refused([](runners::InPlace& place) { place.param = "/none"; }));
  EXPECT_TRUE(refused([](runners::InPlace& place) { place.param = "no pointer"; }));
  EXPECT_TRUE(refused([](runners::InPlace& place) { place.stamps.clear(); }));
}

// The other end is open all the time: a network that carries nothing closes no connection.
TEST_F(AgentTest, AHeadIsGoneWhenItWasNotHeardForLong) {
  options_.silence = Duration::Seconds(6);
  options_.lease = Duration::Seconds(1);
  const ProcessId worker = Child();
  Write(RecordOf(1, worker));
  Serve();
  // One that says something now and then is there, however short the lease is.
  const Instant until = clock_.Now() + Duration::Seconds(7);
  while (clock_.Now() < until) {
    Send(FrameType::kPing, "");
    ::poll(nullptr, 0, 100);
    EXPECT_TRUE(head_.Receive(clock_.Now()).empty());
    ASSERT_FALSE(head_.broken());
  }
  EXPECT_TRUE(IsAlive(worker));
  EXPECT_EQ(SignalThatEnded(worker), SIGKILL);
  Await([&] { return fs::is_empty(root_ + "/records"); }, "the attempt is forgotten");
  Await([&] { return head_.Receive(clock_.Now()).empty() && head_.broken(); }, "it hangs up");
}

// Between versions there is the greeting, which says so, and the request to end.
TEST_F(AgentTest, AHeadOfAnotherVersionIsToldAndNotMisunderstood) {
  Serve();
  Send(FrameType::kAttach, Encode(Attach{kWireVersion + 1, "head"}));
  const auto answer = Receive(FrameType::kAttached);
  ASSERT_TRUE(answer);
  const auto attached = DecodeAttached(answer->payload);
  ASSERT_TRUE(attached.ok());
  EXPECT_EQ(attached->version, kWireVersion);
  EXPECT_NE(attached->trouble.find("another version"), std::string::npos) << attached->trouble;
  Send(FrameType::kAdopt, Encode(Adopt{KeyOf(1), 0}));
  Send(FrameType::kStop, "");
  server_.join();
  EXPECT_TRUE(head_.Receive(clock_.Now()).empty()) << "a word about the attempt";
}

// Four pieces' worth of zeros in a few bytes.
TEST_F(AgentTest, APackedPieceThatIsTooLargeClosesTheConnection) {
  Serve();
  const std::string zeros(4 * kChunkBytesMax, '\0');
  const Digest digest = Sha256::Of(zeros);
  Send(FrameType::kPut, Encode(BlobRange{digest, static_cast<std::int64_t>(zeros.size()), 0}));
  Compressor compressor;
  const auto packed = compressor.Pack(zeros, std::nullopt);
  ASSERT_TRUE(packed);
  std::string frame;
  AppendChunk({digest, 0, true, *packed}, frame);
  Send(FrameType::kChunk, frame.substr(5));
  Await([&] { return head_.Receive(clock_.Now()).empty() && head_.broken(); }, "it is closed");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/blobs/" + digest.Hex().substr(0, 2)));
}

TEST_F(AgentTest, TheGracePeriodEndsForTheLastOfManyToo) {
  const ProcessId others = Child();
  for (std::size_t task = 100; task < 164; ++task) Write(RecordOf(task, others));
  const ProcessId worker = Child();
  const ProcessId deaf = Child(/*deaf=*/true);
  Write(RecordOf(900, worker, deaf));
  Serve();
  Send(FrameType::kAdopt, Encode(Adopt{KeyOf(900), 0}));
  Send(FrameType::kKill, runners::EncodeKill({KeyOf(900), runners::KillMode::kTerminate}));
  EXPECT_EQ(SignalThatEnded(deaf), SIGKILL);
  const auto frame = Receive(FrameType::kFinished);
  ASSERT_TRUE(frame);
  const auto finished = DecodeFinished(frame->payload);
  ASSERT_TRUE(finished.ok());
  EXPECT_EQ(finished->exited.key, KeyOf(900));
  EXPECT_TRUE(std::holds_alternative<runners::ExitKilled>(finished->exited.reason));
  EXPECT_TRUE(IsAlive(others));
}

// Both are read in one turn: the workers hear of the launch first.
TEST_F(AgentTest, AKillRightBehindALaunchIsNotLost) {
  options_.worker_argv = {"/bin/sleep", "1000"};
  Serve();
  head_.Send(FrameType::kLaunch, runners::EncodeLaunch(runners::NativeSpec(1, "deaf")));
  head_.Send(FrameType::kKill, runners::EncodeKill({KeyOf(1), runners::KillMode::kKill}));
  // Something that makes the turn a long one, and begins nothing.
  for (std::size_t task = 2; task < 100; ++task) {
    runners::LaunchSpec lacking = runners::NativeSpec(task, "deaf");
    lacking.inputs.push_back({});
    lacking.inputs.back().files = {{"x", "/x", 1, Sha256::Of("x")}};
    head_.Send(FrameType::kLaunch, runners::EncodeLaunch(lacking));
  }
  head_.Flush();
  const auto frame = Receive(FrameType::kFinished);
  ASSERT_TRUE(frame);
  const auto finished = DecodeFinished(frame->payload);
  ASSERT_TRUE(finished.ok());
  EXPECT_TRUE(std::holds_alternative<runners::ExitKilled>(finished->exited.reason));
}

// After the lease, or when it was released, and before its processes are gone.
TEST_F(AgentTest, AnAttemptThatIsBeingLetGoIsNotTakenUp) {
  options_.worker_argv = {"/bin/sleep", "1000"};
  Serve();
  const runners::LaunchSpec spec = runners::CommandSpec(1, {"true"}, base_);
  head_.Send(FrameType::kLaunch, runners::EncodeLaunch(spec));
  head_.Send(FrameType::kRelease, EncodeKeys({KeyOf(1)}));
  Send(FrameType::kAdopt, Encode(Adopt{KeyOf(1), 0}));
  EXPECT_TRUE(Receive(FrameType::kLost)) << "nobody would ever tell how it ended";
}

// What a line that froze gives back later is of a connection that nobody listens to any more.
TEST_F(AgentTest, ALaunchThatComesLateByAnOlderConnectionTurnsNobodyAway) {
  options_.worker_argv = {"/bin/sleep", "1000"};
  Serve();
  const auto fd = ConnectTo(root_, "agent.sock");
  ASSERT_TRUE(fd.ok());
  ssh::NodePort newer;
  newer.Open(*fd, clock_.Now());
  const auto say = [&](FrameType type, const std::string& payload) {
    newer.Send(type, payload);
    newer.Flush();
  };
  const auto hears = [&](FrameType type) {
    const std::vector<Frame> frames = newer.Receive(clock_.Now());
    return std::ranges::any_of(frames, [&](const Frame& frame) { return frame.type == type; });
  };
  say(FrameType::kAttach, Encode(Attach{kWireVersion, "head"}));
  Await([&] { return hears(FrameType::kAttached); }, "the newer connection is known");
  const std::string launch = runners::EncodeLaunch(runners::NativeSpec(1, "deaf"));
  newer.Send(FrameType::kLaunch, launch);
  say(FrameType::kLook, Encode(Look{1, "none.csv"}));
  Await([&] { return hears(FrameType::kLooked); }, "the agent has heard it");
  head_.Send(FrameType::kLaunch, launch);
  Send(FrameType::kLook, Encode(Look{2, "none.csv"}));
  ASSERT_TRUE(Receive(FrameType::kLooked));
  head_.Close();
  say(FrameType::kKill, runners::EncodeKill({KeyOf(1), runners::KillMode::kKill}));
  Await([&] { return hears(FrameType::kFinished); }, "the end is told to who is there");
}

TEST_F(AgentTest, ACommandThatBeganAfterItWasTakenUpGetsItsGracePeriod) {
  const ProcessId worker = Child();
  Write(RecordOf(1, worker));
  Serve();
  const ProcessId command = Child();
  agent::AttemptRecord record = RecordOf(1, worker, command);
  record.grace = Duration::Seconds(3600);
  Write(record);
  Send(FrameType::kKill, runners::EncodeKill({KeyOf(1), runners::KillMode::kTerminate}));
  EXPECT_EQ(SignalThatEnded(command), SIGTERM);
  EXPECT_TRUE(IsAlive(worker));
}

TEST_F(AgentTest, ALogThatWasCutIsSentAgain) {
  Write(RecordOf(1, Child()));
  const std::string log = AttemptPaths(root_, AttemptName("head", KeyOf(1))).log;
  std::ofstream(log) << "0123456789";
  Serve();
  Send(FrameType::kAdopt, Encode(Adopt{KeyOf(1), 0}));
  auto frame = Receive(FrameType::kLog);
  ASSERT_TRUE(frame);
  EXPECT_EQ(DecodeLog(frame->payload)->bytes, "0123456789");
  std::ofstream(log) << "ab";
  frame = Receive(FrameType::kLog);
  ASSERT_TRUE(frame);
  auto piece = DecodeLog(frame->payload);
  ASSERT_TRUE(piece.ok());
  EXPECT_EQ(piece->offset, 0);
  EXPECT_EQ(piece->bytes, "");
  std::string again;
  while (again.size() < 2 && !HasFailure()) {
    frame = Receive(FrameType::kLog);
    ASSERT_TRUE(frame);
    piece = DecodeLog(frame->payload);
    if (piece->bytes.empty()) continue;  // it was seen between the cut and the new bytes
    EXPECT_EQ(piece->offset, static_cast<std::int64_t>(again.size()));
    again += piece->bytes;
  }
  EXPECT_EQ(again, "ab");
}

TEST_F(AgentTest, TakingDownEndsWhateverRunsFirst) {
  const ProcessId dead = Child();
  SendSignal(dead.pid, SIGKILL);
  EXPECT_EQ(SignalThatEnded(dead), SIGKILL);
  const ProcessId orphan = Child(/*deaf=*/true);
  Write(RecordOf(1, dead, orphan));
  const ProcessId worker = Child();
  Write(RecordOf(2, worker));
  // Its number was given to a process that has nothing to do with it.
  const ProcessId stranger = Child();
  agent::AttemptRecord reused = RecordOf(3, dead, stranger);
  ++reused.command_start;
  Write(reused);
  EXPECT_EQ(TakeDown(root_, /*force=*/false).error().kind, ErrorKind::kBusy);
  EXPECT_TRUE(IsAlive(worker));
  const auto down = TakeDown(root_, /*force=*/true);
  ASSERT_TRUE(down.ok()) << down.error().message;
  EXPECT_FALSE(IsAlive(orphan));
  EXPECT_FALSE(IsAlive(worker));
  EXPECT_TRUE(IsAlive(stranger));
  EXPECT_FALSE(fs::exists(root_));
}

// What agents that are dead have started tells whose it is. A worker that still runs an attempt
// goes on, with all that it has started; when it dies, that ends with it.
TEST_F(AgentTest, WhatADeadAgentHasLeftRunningEndsBeforeAnythingElseBegins) {
  const ProcessId dead = Child();
  SendSignal(dead.pid, SIGKILL);
  EXPECT_EQ(SignalThatEnded(dead), SIGKILL);
  const auto mark = [&](const ProcessId& agent, const std::string& root) {
    return fmt::format("{} {} {} - {}", agent.pid, agent.start,
                       fs::read_symlink("/proc/self/ns/pid").string(), root);
  };
  const ProcessId orphan = Marked(mark(dead, root_), "exec sleep 1000");
  const ProcessId elsewhere = Marked(mark(dead, base_), "exec sleep 1000");
  const ProcessId of_another = Marked(mark(ThisProcess(), root_), "exec sleep 1000");
  const std::string told = base_ + "/told";
  const ProcessId worker =
      Marked(mark(dead, root_), "setsid sh -c 'echo $$ > " + told + ".new; mv " + told + ".new " +
                                    told + "; exec sleep 1000' & wait");
  Await([&] { return fs::exists(told); }, "the worker's command begins");
  const ProcessId command{std::stoi(*ReadFile(told)), *StartOf(std::stoi(*ReadFile(told))),
                          BootId()};
  Write(RecordOf(1, worker, worker));
  Serve();
  EXPECT_FALSE(IsAlive(orphan));
  EXPECT_TRUE(IsAlive(elsewhere));
  EXPECT_TRUE(IsAlive(of_another));
  EXPECT_TRUE(IsAlive(worker));
  EXPECT_TRUE(IsAlive(command));
  SendSignal(worker.pid, SIGKILL);
  EXPECT_EQ(SignalThatEnded(worker), SIGKILL);
  Await([&] { return !IsAlive(command); }, "what the worker had started ends");
}

TEST_F(AgentTest, WhatHasNoRecordIsRemovedAndOnlyThat) {
  const auto put = [&](const std::string& name) {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << "x";
  };
  for (const char* name : {"attempts/head.1.9.1/work/closed/x", "logs/head.1.9.1.log",
                           "attempts/notes/x", "logs/app.log", "attempts/head.1.2.1/x"}) {
    put(name);
  }
  fs::permissions(root_ + "/attempts/head.1.9.1/work/closed", fs::perms(0555));
  agent::AttemptRecord record = RecordOf(2, Child());
  record.exited.emplace();
  record.exited->key = record.key;
  Write(record);
  Serve();
  EXPECT_FALSE(fs::exists(root_ + "/attempts/head.1.9.1"));
  EXPECT_FALSE(fs::exists(root_ + "/logs/head.1.9.1.log"));
  for (const char* name : {"attempts/notes/x", "logs/app.log", "attempts/head.1.2.1/x"}) {
    EXPECT_TRUE(fs::exists(root_ + "/" + name)) << name;
  }
}

TEST_F(AgentTest, WhatNobodyAskedForWithinADayIsGarbage) {
  constexpr std::int64_t kLongAgo = std::int64_t{25} * 3600 * 1'000'000;
  for (const std::size_t task : {1U, 2U, 3U}) {
    agent::AttemptRecord record = RecordOf(task, Child());
    if (task != 3) record.exited.emplace();
    if (task != 2) record.noted.us -= kLongAgo;
    Write(record);
    fs::create_directories(record.attempt_dir);
  }
  ASSERT_TRUE(CollectGarbage(root_, Duration::Seconds(0)).ok());
  std::set<std::string> names;
  for (const auto& entry : RecordBook::Read(root_)) names.insert(entry.name);
  for (const std::size_t task : {1U, 2U, 3U}) {
    const std::string name = AttemptName("head", KeyOf(task));
    EXPECT_EQ(names.contains(name), task != 1) << "one may be asked for, and one runs";
    EXPECT_EQ(fs::exists(AttemptPaths(root_, name).folder), task != 1);
  }
}

// Its worker died with the agent, in the middle of what it noted about the attempt after that.
TEST_F(AgentTest, AnEndIsFoundBeforeATornRecord) {
  agent::AttemptRecord record = RecordOf(1, Child());
  record.exited.emplace();
  record.exited->key = record.key;
  record.exited->metrics = {{"rows", 7}};
  Write(record);
  std::ofstream(agent::StatesPathOf(root_ + "/records", 1, record.worker), std::ios::app)
      << "half a state";
  Serve();
  Send(FrameType::kAdopt, Encode(Adopt{KeyOf(1), 0}));
  const auto frame = Receive(FrameType::kFinished);
  ASSERT_TRUE(frame);
  const auto finished = DecodeFinished(frame->payload);
  ASSERT_TRUE(finished.ok());
  EXPECT_EQ(finished->exited.metrics, record.exited->metrics);
  Send(FrameType::kRelease, EncodeKeys({KeyOf(1)}));
  Await([&] { return fs::is_empty(root_ + "/records"); }, "nothing is kept");
}

TEST_F(AgentTest, TheJournalHasTheEndOfAnAttemptOnce) {
  agent::AttemptRecord record = RecordOf(2, Child());
  record.exited.emplace();
  record.exited->key = record.key;
  Write(record);
  const auto lines = [&] {
    const std::string text = *ReadFile(root_ + "/agent.log");
    int count = 0;
    for (std::size_t at = text.find(": succeeded"); at != text.npos;
         at = text.find(": succeeded", at + 1)) {
      ++count;
    }
    return count;
  };
  for (int i = 0; i < 3; ++i) {
    auto agent = Agent::Open(options_);
    ASSERT_TRUE(agent.ok()) << agent.error().message;
    agent->reset();
    EXPECT_EQ(lines(), 1) << i;
  }
}

TEST_F(AgentTest, GarbageIsWhatNobodyNeeds) {
  auto blobs = BlobCache::Open(root_);
  ASSERT_TRUE(blobs.ok());
  const auto file = [&](const std::string& name, const std::string& content) {
    fs::create_directories(fs::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << content;
    return root_ + "/" + name;
  };
  for (const char* content : {"unused", "input", "output"}) {
    ASSERT_TRUE(blobs->Ingest(file("new", content), Sha256::Of(content)).ok());
    fs::remove(root_ + "/new");
  }
  // An output that was there before, and one that is new.
  ASSERT_TRUE(blobs->Ingest(file("attempts/a/out/1", "output"), Sha256::Of("output")).ok());
  ASSERT_TRUE(blobs->Ingest(file("attempts/a/out/2", "fresh"), Sha256::Of("fresh")).ok());
  EXPECT_EQ(*ReadFile(root_ + "/attempts/a/out/1"), "output");
  // A native attempt, which reads its input from the cache by path.
  runners::LaunchSpec spec;
  spec.inputs.resize(1);
  spec.inputs[0].files = {{"x", "", 5, Sha256::Of("input")}};
  const AttemptPaths paths(root_, "a");
  const auto absent = PlaceAttempt(paths, *blobs, spec);
  ASSERT_TRUE(absent.ok() && absent->empty());
  // A transfer that is under way.
  ASSERT_TRUE(blobs->Begin({Sha256::Of("arriving"), 8, 0}).ok());
  ASSERT_TRUE(blobs->Write(Sha256::Of("arriving"), 0, "arri").ok());

  EXPECT_EQ(*CollectGarbage(root_, Duration::Seconds(0)), 6);
  EXPECT_FALSE(blobs->Holds(Sha256::Of("unused")));
  for (const char* content : {"input", "output", "fresh"}) {
    EXPECT_TRUE(blobs->Holds(Sha256::Of(content))) << content;
  }
  EXPECT_TRUE(*blobs->Write(Sha256::Of("arriving"), 4, "ving"));

  paths.Remove();
  EXPECT_EQ(*CollectGarbage(root_, Duration::Seconds(0)), 24);
  EXPECT_EQ(PlaceAttempt(paths, *blobs, spec)->size(), 1U) << "what is gone is asked for";
}

TEST_F(AgentTest, AFolderThatIsOpenToOthersIsRefused) {
  for (const mode_t mode : {0755U, 0710U, 0702U}) {
    ::chmod(root_.c_str(), mode);
    const auto made = MakePrivateFolder(root_);
    ASSERT_FALSE(made.ok()) << mode;
    EXPECT_EQ(made.error().hint, "chmod 700 " + root_);
    EXPECT_FALSE(Agent::Open(options_).ok());
  }
  ::chmod(root_.c_str(), 0700);
  EXPECT_TRUE(MakePrivateFolder(root_).ok());
}

TEST(Report, OneThatIsTooLargeIsAFailureOfItsTask) {
  Finished finished;
  finished.exited.key = KeyOf(1);
  finished.exited.reason = runners::ExitSuccess{};
  finished.exited.usage.memory_bytes_max = 7;
  for (int i = 0; i < 100; ++i) {
    finished.outputs.push_back({fmt::format("o/{}", i), "", 1, Sha256::Of("x")});
  }
  EXPECT_EQ(EncodeWithin(finished, 1 << 20), Encode(finished));
  const auto refused = DecodeFinished(EncodeWithin(finished, 1000));
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->exited.key, KeyOf(1));
  EXPECT_TRUE(refused->outputs.empty());
  EXPECT_EQ(refused->exited.usage.memory_bytes_max, 7);
  const auto& failure = std::get<runners::ExitFailure>(refused->exited.reason);
  EXPECT_TRUE(failure.error.message.starts_with("the names of its 100 output files"));
}

}  // namespace
}  // namespace dml::node
