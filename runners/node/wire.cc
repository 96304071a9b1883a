#include "runners/node/wire.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "runners/api/message_fields.h"
#include "runners/node/checksum.h"

namespace dml::node {

using runners::Is;
using runners::Pack;
using runners::Unpack;

void Fields(auto& io, Is<Adopt> auto& message) { io(message.key, message.log_from); }

void Fields(auto& io, Is<Finished> auto& message) {
  io(message.exited, message.outputs, message.log_bytes);
}

void Fields(auto& io, Is<Lost> auto& message) { io(message.key, message.error, message.absent); }

void Fields(auto& io, Is<BlobState> auto& state) { io(state.digest, state.bytes); }

void Fields(auto& io, Is<BlobRange> auto& range) { io(range.digest, range.size, range.offset); }

void Fields(auto& io, Is<BlobOutcome> auto& outcome) { io(outcome.digest, outcome.error); }

void Fields(auto& io, Is<Look> auto& message) { io(message.id, message.pattern); }

void Fields(auto& io, Is<Looked> auto& message) { io(message.id, message.error, message.files); }

namespace {

template <typename T, typename Read>
Result<T> Decode(std::string_view payload, Read read) {
  try {
    return read(Json::parse(payload));
  } catch (const Json::exception& error) {
    return Error::Environment(std::string("a malformed message: ") + error.what());
  }
}

template <typename T>
void PutNumber(T value, std::string& out) {
  const auto bits = static_cast<std::uint64_t>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(bits >> (8 * i) & 0xff);
}

template <typename T>
T TakeNumber(std::string_view& bytes) {
  std::uint64_t bits = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(sizeof(T));
  return static_cast<T>(bits);
}

// Of any machine, and of any attempt: the sum over a cluster, or over a run, has to be a number.
constexpr double kCpusMax = 1e6;
constexpr std::int64_t kUsageMax = std::int64_t{1} << 56;
constexpr int kSignalMax = 64;
constexpr std::size_t kLogHeadBytes = 8 + 4 + 4 + 8;
constexpr std::size_t kChunkCheckedBytes = 32 + 8 + 1;  // of its head
constexpr std::size_t kChunkHeadBytes = kChunkCheckedBytes + 4;

bool IsFileSize(std::int64_t bytes) { return bytes >= 0 && bytes <= kFileBytesMax; }

Error Short() { return Error::Environment("a malformed message: it is too short or too long"); }

}  // namespace

std::string Encode(const Attach& message) {
  return CanonicalJson({{"version", message.version},
                        {"client", message.client},
                        {"env_init", message.env_init},
                        {"env", message.env},
                        {"shared_dir", message.shared_dir},
                        {"token", message.token},
                        {"share_outputs", message.share_outputs}});
}

Result<Attach> DecodeAttach(std::string_view payload) {
  return Decode<Attach>(payload, [](const Json& json) -> Result<Attach> {
    Attach message{json.at("version").get<int>(), json.at("client").get<std::string>()};
    message.env_init = json.at("env_init").get<std::string>();
    message.env = json.at("env").get<std::map<std::string, std::string>>();
    message.shared_dir = json.at("shared_dir").get<std::string>();
    message.token = json.at("token").get<std::string>();
    message.share_outputs = json.at("share_outputs").get<bool>();
    // It becomes part of file names.
    const auto fine = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (message.client.empty() || message.client.size() > kClientNameMax ||
        !std::ranges::all_of(message.client, [&](char c) { return fine(c) || c == '-'; })) {
      return Error::Environment("a malformed message: the name of the client");
    }
    return message;
  });
}

std::string Encode(const Attached& message) {
  Json attempts = Json::array();
  for (const KnownAttempt& one : message.attempts) {
    const runners::AttemptKey& key = one.key;
    attempts.push_back({key.run.value, key.task.value, key.attempt.value, one.finished, one.pid});
  }
  return CanonicalJson({{"version", message.version},
                        {"pid", message.agent_pid},
                        {"boot", message.boot},
                        {"host", message.host},
                        {"cpus", message.cpus},
                        {"memory", message.memory_bytes},
                        {"disk", message.disk_free_bytes},
                        {"lease", message.lease.ns},
                        {"trouble", message.trouble},
                        {"drained", message.drained},
                        {"shared", message.shared},
                        {"attempts", std::move(attempts)}});
}

Result<Attached> DecodeAttached(std::string_view payload) {
  return Decode<Attached>(payload, [](const Json& json) -> Result<Attached> {
    Attached message;
    message.version = json.value("version", 1);
    message.agent_pid = json.at("pid").get<int>();
    message.boot = json.at("boot").get<std::string>();
    message.host = json.at("host").get<std::string>();
    message.cpus = json.at("cpus").get<double>();
    message.memory_bytes = json.at("memory").get<std::int64_t>();
    message.disk_free_bytes = json.at("disk").get<std::int64_t>();
    message.lease.ns = json.at("lease").get<std::int64_t>();
    message.trouble = json.at("trouble").get<std::string>();
    message.drained = json.at("drained").get<std::string>();
    message.shared = json.at("shared").get<bool>();
    bool fine = json.at("attempts").size() <= kKnownAttemptsMax;
    for (const std::string* text : {&message.boot, &message.host, &message.trouble}) {
      fine = fine && text->size() <= kGreetingTextMax;
    }
    fine = fine && message.drained.size() <= kDrainReasonMax && message.cpus >= 0 &&
           message.cpus <= kCpusMax && message.memory_bytes >= 0 &&
           message.memory_bytes <= kMachineBytesMax && message.disk_free_bytes >= 0 &&
           message.lease.ns >= 0;
    if (!fine) return Error::Environment("a malformed message: no machine is like that");
    for (const Json& one : json.at("attempts")) {
      const runners::AttemptKey key{RunId{one.at(0).get<std::int64_t>()},
                                    TaskId(one.at(1).get<std::uint32_t>()),
                                    AttemptNumber{one.at(2).get<std::uint32_t>()}};
      message.attempts.push_back({key, one.at(3).get<bool>(), one.at(4).get<int>()});
    }
    return message;
  });
}

std::string Encode(const Adopt& message) { return Pack(message); }

Result<Adopt> DecodeAdopt(std::string_view payload) {
  DML_TRY(const Adopt message, Unpack<Adopt>(payload));
  if (!IsFileSize(message.log_from)) return Short();
  return message;
}

std::string EncodeKeys(const std::vector<runners::AttemptKey>& keys) { return Pack(keys); }

Result<std::vector<runners::AttemptKey>> DecodeKeys(std::string_view payload) {
  return Unpack<std::vector<runners::AttemptKey>>(payload);
}

std::string Encode(const Finished& message) { return Pack(message); }

std::string EncodeWithin(const Finished& message, std::size_t bytes_max) {
  std::string payload = Encode(message);
  if (payload.size() <= bytes_max) return payload;
  Finished refused;
  refused.exited.key = message.exited.key;
  refused.exited.usage = message.exited.usage;
  refused.exited.reason = runners::ExitFailure{
      Error::Task("the names of its " + std::to_string(message.outputs.size()) +
                      " output files and its metrics are larger than " +
                      std::to_string(bytes_max >> 20) + " MiB",
                  "pack many small files into one archive"),
      1};
  refused.log_bytes = message.log_bytes;
  return Encode(refused);
}

namespace {

// "<port>/<file>" that stays inside the folder that it is put into.
bool IsSafeName(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string::npos) return false;
  std::string_view rest = name;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

// An end that a process can come to.
bool IsPlausible(const runners::ExitReason& reason) {
  const auto* signal = std::get_if<runners::ExitSignal>(&reason);
  return signal == nullptr || (signal->signal >= 1 && signal->signal <= kSignalMax);
}

void MakePlausible(runners::ResourceUsage& usage) {
  for (std::int64_t* one : {&usage.wall.ns, &usage.cpu.ns, &usage.memory_bytes_max}) {
    *one = std::clamp(*one, std::int64_t{0}, kUsageMax);
  }
}

}  // namespace

Result<Finished> DecodeFinished(std::string_view payload) {
  DML_TRY(Finished message, Unpack<Finished>(payload));
  if (!IsPlausible(message.exited.reason)) {
    return Error::Environment("a malformed message: no attempt ends like that");
  }
  MakePlausible(message.exited.usage);
  std::set<std::string_view> names;
  for (ArtifactFile& file : message.outputs) {
    file.path.clear();  // where it lies there is the node's business
    // The second of one name would arrive when the first is being committed.
    if (!IsSafeName(file.name) || !IsFileSize(file.size) || !names.insert(file.name).second) {
      return Error::Environment("a malformed message: the output '" + file.name + "'");
    }
  }
  return message;
}

std::string Encode(const Lost& message) { return Pack(message); }

Result<Lost> DecodeLost(std::string_view payload) { return Unpack<Lost>(payload); }

std::string Encode(const LogPiece& message) {
  std::string out;
  PutNumber(message.key.run.value, out);
  PutNumber(message.key.task.value, out);
  PutNumber(message.key.attempt.value, out);
  PutNumber(message.offset, out);
  out += message.bytes;
  return out;
}

Result<LogPiece> DecodeLog(std::string_view payload) {
  if (payload.size() < kLogHeadBytes || payload.size() > kLogHeadBytes + kChunkBytesMax) {
    return Short();
  }
  LogPiece message;
  message.key.run = RunId{TakeNumber<std::int64_t>(payload)};
  message.key.task = TaskId(TakeNumber<std::uint32_t>(payload));
  message.key.attempt = AttemptNumber{TakeNumber<std::uint32_t>(payload)};
  message.offset = TakeNumber<std::int64_t>(payload);
  message.bytes = payload;
  if (message.offset < 0) return Short();
  return message;
}

std::string EncodeDigests(const std::vector<Digest>& digests) { return Pack(digests); }

Result<std::vector<Digest>> DecodeDigests(std::string_view payload) {
  DML_TRY(std::vector<Digest> digests, Unpack<std::vector<Digest>>(payload));
  if (digests.size() > kDigestsPerFrameMax) return Short();
  return digests;
}

std::string EncodeStates(const std::vector<BlobState>& states) { return Pack(states); }

Result<std::vector<BlobState>> DecodeStates(std::string_view payload) {
  DML_TRY(std::vector<BlobState> states, Unpack<std::vector<BlobState>>(payload));
  if (states.size() > kDigestsPerFrameMax) return Short();
  return states;
}

std::string Encode(const BlobRange& message) { return Pack(message); }

Result<BlobRange> DecodeBlobRange(std::string_view payload) {
  DML_TRY(const BlobRange range, Unpack<BlobRange>(payload));
  if (!IsFileSize(range.size) || range.offset < 0 || range.offset > range.size) return Short();
  return range;
}

std::string Encode(const BlobOutcome& message) { return Pack(message); }

Result<BlobOutcome> DecodeBlobOutcome(std::string_view payload) {
  return Unpack<BlobOutcome>(payload);
}

std::string Encode(const Look& message) { return Pack(message); }

Result<Look> DecodeLook(std::string_view payload) {
  DML_TRY(Look message, Unpack<Look>(payload));
  const bool fine = !message.pattern.empty() && message.pattern.size() <= kPatternBytesMax &&
                    message.pattern.find('\0') == std::string::npos;
  if (!fine) return Error::Environment("a malformed message: the name of a file");
  return message;
}

std::string Encode(const Looked& message) { return Pack(message); }

Result<Looked> DecodeLooked(std::string_view payload) {
  DML_TRY(Looked message, Unpack<Looked>(payload));
  bool fine = message.files.empty() != message.error.message.empty() &&
              message.files.size() <= kLookedFilesMax;
  for (const runners::RemoteFile& file : message.files) {
    fine = fine && !file.name.empty() && file.name.find('\0') == std::string::npos &&
           file.path.starts_with('/') && IsSafeName(file.path.substr(1)) &&
           IsFileSize(file.stamp.size);
  }
  if (!fine) return Error::Environment("a malformed message: the files of a node");
  return message;
}

void AppendChunk(const Chunk& chunk, std::string& out) {
  std::string head;
  head.reserve(kChunkHeadBytes);
  for (const std::uint8_t byte : chunk.digest.bytes) head += static_cast<char>(byte);
  PutNumber(chunk.offset, head);
  head += static_cast<char>(chunk.packed ? 1 : 0);
  PutNumber(Crc32c(chunk.bytes, Crc32c(head)), head);
  runners::AppendFrame(runners::FrameType::kChunk, head, chunk.bytes, out);
}

Result<Chunk> DecodeChunk(std::string_view payload) {
  if (payload.size() < kChunkHeadBytes || payload.size() > kChunkHeadBytes + kChunkBytesMax) {
    return Short();
  }
  const std::string_view head = payload.substr(0, kChunkCheckedBytes);
  Chunk chunk;
  std::memcpy(chunk.digest.bytes.data(), payload.data(), chunk.digest.bytes.size());
  payload.remove_prefix(chunk.digest.bytes.size());
  chunk.offset = TakeNumber<std::int64_t>(payload);
  chunk.packed = payload.front() == 1;
  payload.remove_prefix(1);
  const auto check = TakeNumber<std::uint32_t>(payload);
  chunk.bytes = payload;
  chunk.intact = check == Crc32c(chunk.bytes, Crc32c(head));
  if (chunk.offset < 0) return Short();
  return chunk;
}

}  // namespace dml::node
