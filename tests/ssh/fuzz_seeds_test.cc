// What the fuzzers of frames, of the wire and of transfers begin with: every message once, in the
// form in which it travels. DML_BLESS=1 writes the files.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "base/files.h"
#include "runners/agent/record_file.h"
#include "runners/node/compression.h"
#include "runners/node/file_looker.h"
#include "runners/node/wire.h"

namespace dml::node {
namespace {

using runners::AppendFrame;
using runners::FrameType;

const runners::AttemptKey kKey{RunId{1}, TaskId(2), AttemptNumber{1}};

void ExpectSeed(const std::string& name, const std::string& bytes) {
  const std::string path = std::string(DML_SOURCE_DIR) + "/tests/fuzz/seeds/" + name;
  if (std::getenv("DML_BLESS") != nullptr) std::ofstream(path, std::ios::binary) << bytes;
  const auto there = ReadFile(path);
  EXPECT_TRUE(there.ok() && *there == bytes)
      << path << " is of another form; DML_BLESS=1 ssh_test --gtest_filter='FuzzSeeds.*'";
}

runners::LaunchSpec Launch() {
  runners::LaunchSpec spec;
  spec.key = kKey;
  spec.task_name = "t@a=1";
  spec.inputs = {{"data", PortKind::kTable, {{"part-0", "/b", 12, Sha256::Of("a")}}, {}}};
  spec.outputs.resize(1);
  spec.outputs[0].name = "model";
  spec.outputs[0].kind = PortKind::kModel;
  spec.env = {{"A", "b"}};
  spec.attempt_dir = "/d";
  spec.log_path = "/l";
  spec.files = {{"/data/*.csv", {{"x.csv", "/data/x.csv", 1, Sha256::Of("x")}}}};
  spec.labels = {"gpu"};
  return spec;
}

runners::AttemptExited Exited(runners::ExitReason reason) {
  runners::AttemptExited exited;
  exited.key = kKey;
  exited.reason = std::move(reason);
  exited.metrics = {{"cv", {{"roc_auc", 0.5}, {"folds", {0.4, 0.6}}}}};
  exited.warnings = {"w"};
  exited.usage = {Duration{1}, Duration{2}, 3};
  return exited;
}

// The first byte says into how large pieces the fuzzer cuts the stream.
TEST(FuzzSeeds, OfFrames) {
  std::string command("\x07", 1);
  runners::LaunchSpec spec = Launch();
  spec.work = runners::Command{{"echo", "a b"}, "/w", {{"o", "x"}}, {{"data", "in"}}, true};
  AppendFrame(FrameType::kLaunch, runners::EncodeLaunch(spec), command);
  ExpectSeed("frames/launch", command);

  std::string native("\xff", 1);
  spec.work = std::vector<runners::NativeStep>{{"noop", {{"C", 0.1}}}};
  AppendFrame(FrameType::kLaunch, runners::EncodeLaunch(spec), native);
  ExpectSeed("frames/native", native);

  std::string ends("\0", 1);
  AppendFrame(FrameType::kStarted, runners::EncodeStarted({kKey, 7}), ends);
  AppendFrame(FrameType::kProgress, runners::EncodeProgress({kKey, 0.5, "half"}), ends);
  for (const runners::ExitReason& reason : std::initializer_list<runners::ExitReason>{
           runners::ExitSuccess{}, runners::ExitFailure{Error::Task("m", "h"), 3, true},
           runners::ExitSignal{9, false}, runners::ExitTimeout{}, runners::ExitKilled{}}) {
    AppendFrame(FrameType::kExited, runners::EncodeExited(Exited(reason)), ends);
  }
  AppendFrame(FrameType::kKill, runners::EncodeKill({kKey, runners::KillMode::kKill}), ends);
  AppendFrame(FrameType::kReturned, runners::EncodeKey(kKey), ends);
  ExpectSeed("frames/ends", ends);
}

TEST(FuzzSeeds, OfTheWire) {
  std::string greeting;
  AppendFrame(FrameType::kAttach,
              Encode(Attach{kWireVersion, "0af", "module load x", {{"A", "b"}}, "/s", "t", true}),
              greeting);
  Attached attached;
  attached.boot = "boot";
  attached.host = "n1";
  attached.attempts = {{kKey, true, 7}};
  AppendFrame(FrameType::kAttached, Encode(attached), greeting);
  ExpectSeed("wire/greeting", greeting);

  std::string attempts;
  AppendFrame(FrameType::kAdopt, Encode(Adopt{kKey, 5}), attempts);
  AppendFrame(FrameType::kRelease, EncodeKeys({kKey, kKey}), attempts);
  AppendFrame(
      FrameType::kFinished,
      Encode(Finished{Exited(runners::ExitSuccess{}), {{"o/x", "", 1, Sha256::Of("x")}}, 5}),
      attempts);
  AppendFrame(FrameType::kLost, Encode(Lost{kKey, Error::Environment("gone"), {Sha256::Of("y")}}),
              attempts);
  AppendFrame(FrameType::kLog, Encode(LogPiece{kKey, 5, "log"}), attempts);
  AppendFrame(FrameType::kDrain, "a new disk", attempts);
  ExpectSeed("wire/attempts", attempts);

  std::string blobs;
  AppendFrame(FrameType::kHave, EncodeDigests({Sha256::Of("x"), Sha256::Of("y")}), blobs);
  AppendFrame(FrameType::kMissing, EncodeStates({{Sha256::Of("x"), 3}}), blobs);
  AppendFrame(FrameType::kPut, Encode(BlobRange{Sha256::Of("x"), 5, 3}), blobs);
  AppendChunk({Sha256::Of("x"), 3, false, "data"}, blobs);
  Compressor compressor;
  const auto packed = compressor.Pack(std::string(1000, 'x'), std::nullopt);
  ASSERT_TRUE(packed);
  AppendChunk({Sha256::Of("x"), 7, true, *packed}, blobs);
  AppendFrame(FrameType::kPutDone,
              Encode(BlobOutcome{Sha256::Of("x"), Error::Busy("another sends it")}), blobs);
  ExpectSeed("wire/blobs", blobs);

  std::string files;
  AppendFrame(FrameType::kLook, Encode(Look{7, "data/*.csv"}), files);
  AppendFrame(FrameType::kLooked,
              Encode(Looked{7, {}, {{"data/a.csv", "/h/data/a.csv", {1, 2, 3, 4, 5}, {}}}}), files);
  AppendFrame(FrameType::kLooked, Encode(Looked{8, Error::Invalid("there is none", "h"), {}}),
              files);
  ExpectSeed("wire/files", files);
}

// The first byte chooses the file: of states, whose frames the fuzzer makes, and of digests.
TEST(FuzzSeeds, OfNodeFiles) {
  char folder[] = "/tmp/dml-seeds-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string root = folder;
  agent::AttemptRecord record;
  record.key = kKey;
  record.worker = {6, 5, "boot"};
  record.attempt_dir = "/node/attempts/head.1.2.1";
  record.log_path = "/node/logs/head.1.2.1.log";
  record.exited = Exited(runners::ExitSuccess{});
  agent::RecordWriter writer;
  ASSERT_TRUE(writer.Append(agent::RecordPathOf(root, {7, 3}), record).ok());
  const auto states = ReadFile(agent::StatesPathOf(root, 7, record.worker));
  constexpr std::size_t kHeader = 16;
  ASSERT_TRUE(states.ok() && states->size() > kHeader);
  ExpectSeed("node_files/state", std::string(1, '\0') + states->substr(kHeader));
  ExpectSeed("node_files/states", "\x01" + *states + *states);
  KnownDigests known(root + "/known-files");
  known.Learn("/data/a.csv", {1, 2, 3, 4, 5}, Sha256::Of("x"), WallTime{1'000'000'000'000'000});
  known.Save();
  ExpectSeed("node_files/known", "\x03" + *ReadFile(root + "/known-files"));
  std::filesystem::remove_all(root);
}

// The first byte chooses the end that hears it (1: the head's), and that checksums are made right
// (2). What is on its way is what the fuzzer has set up.
TEST(FuzzSeeds, OfTransfers) {
  const Digest input = Sha256::Of("x");
  const std::string content = "xxxxxxxxxxxx";
  const Digest output = Sha256::Of(content);
  const auto size = static_cast<std::int64_t>(content.size());
  std::string head("\x01", 1);
  AppendFrame(FrameType::kMissing, EncodeStates({{input, 0}}), head);
  AppendFrame(FrameType::kGet, Encode(BlobRange{input, 1, 0}), head);
  AppendFrame(FrameType::kPutDone, Encode(BlobOutcome{input, {}}), head);
  AppendChunk({output, 0, false, std::string_view(content).substr(0, 5)}, head);
  std::string damaged;
  AppendChunk({output, 5, false, std::string_view(content).substr(5)}, damaged);
  head += damaged.substr(0, damaged.size() - 1) + "y" + damaged;
  ExpectSeed("transfers/head", head);
  std::string failed("\x03", 1);
  AppendFrame(FrameType::kGetFailed, Encode(BlobOutcome{output, Error::Environment("gone")}),
              failed);
  AppendFrame(FrameType::kPong, "", failed);
  ExpectSeed("transfers/failed", failed);

  std::string node("\0", 1);
  AppendFrame(FrameType::kHave, EncodeDigests({input, output}), node);
  AppendFrame(FrameType::kPut, Encode(BlobRange{output, size, 0}), node);
  AppendChunk({output, 0, false, std::string_view(content).substr(0, 5)}, node);
  node += damaged.substr(0, damaged.size() - 1) + "y";
  AppendFrame(FrameType::kPut, Encode(BlobRange{output, size, 5}), node);
  node += damaged;
  AppendFrame(FrameType::kGet, Encode(BlobRange{output, size, 3}), node);
  AppendFrame(FrameType::kUnwanted, EncodeDigests({output}), node);
  AppendFrame(FrameType::kPing, "", node);
  ExpectSeed("transfers/node", node);
  std::string packed("\x02", 1);
  Compressor compressor;
  const std::string many(1000, 'x');
  AppendFrame(FrameType::kPut, Encode(BlobRange{Sha256::Of(many), 1000, 0}), packed);
  const auto piece = compressor.Pack(many, std::nullopt);
  ASSERT_TRUE(piece);
  AppendChunk({Sha256::Of(many), 0, true, *piece}, packed);
  AppendFrame(FrameType::kPut, Encode(BlobRange{output, size, 0}), packed);
  AppendFrame(FrameType::kAbandon, EncodeDigests({output}), packed);
  ExpectSeed("transfers/packed", packed);
  std::string huge("\0", 1);
  AppendFrame(FrameType::kPut,
              Encode(BlobRange{Sha256::Of("x"), std::numeric_limits<std::int64_t>::max(), 0}),
              huge);
  ExpectSeed("transfers/huge", huge);
}

// Behind three bytes that say what is killed and when the connection breaks: what a node says of
// the attempts that the fuzzer has given it, and of one that it has given another.
TEST(FuzzSeeds, OfAHostileNode) {
  const auto key = [](std::uint32_t task) {
    return runners::AttemptKey{RunId{1}, TaskId(task), AttemptNumber{1}};
  };
  const auto finished = [&](std::uint32_t task, std::vector<ArtifactFile> outputs) {
    runners::AttemptExited exited = Exited(runners::ExitSuccess{});
    exited.key = key(task);
    return Encode(Finished{exited, std::move(outputs), 3});
  };
  std::string ends("\0\0\0", 3);
  for (const std::uint32_t task : {0U, 2U, 9U}) {
    AppendFrame(FrameType::kStarted, runners::EncodeStarted({key(task), 7}), ends);
    AppendFrame(FrameType::kProgress, runners::EncodeProgress({key(task), 0.5, "half"}), ends);
    AppendFrame(FrameType::kLog, Encode(LogPiece{key(task), 0, "log"}), ends);
    AppendFrame(FrameType::kLog, Encode(LogPiece{key(task), 1, ""}), ends);
    AppendFrame(FrameType::kLog, Encode(LogPiece{key(task), 1LL << 40, "far"}), ends);
    AppendFrame(FrameType::kFinished, finished(task, {{"o/x", "", 1, Sha256::Of("x")}}), ends);
    AppendChunk({Sha256::Of("x"), 0, false, "x"}, ends);
    AppendFrame(FrameType::kFinished, finished(task, {}), ends);
    AppendFrame(FrameType::kLost, Encode(Lost{key(task), Error::Environment("gone"), {}}), ends);
  }
  ExpectSeed("hostile_node/ends", ends);

  std::string before;
  AppendFrame(FrameType::kMissing, EncodeStates({{Sha256::Of("x"), 0}}), before);
  AppendFrame(FrameType::kPutDone, Encode(BlobOutcome{Sha256::Of("x"), {}}), before);
  AppendFrame(FrameType::kLost, Encode(Lost{key(1), Error::Environment("gone"), {Sha256::Of("x")}}),
              before);
  AppendFrame(FrameType::kDrain, "a new disk", before);
  std::string again{'\x05', static_cast<char>(before.size() & 0xff),
                    static_cast<char>(before.size() >> 8)};
  again += before;
  Attached attached;
  attached.boot = "another";
  attached.host = "bad";
  attached.attempts = {{key(0), true, 7}, {key(2), false, 7}, {kKey, true, -1}};
  AppendFrame(FrameType::kAttached, Encode(attached), again);
  AppendFrame(FrameType::kFinished, finished(0, {}), again);
  ExpectSeed("hostile_node/again", again);
}

}  // namespace
}  // namespace dml::node
