#include "runners/node/wire.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dml::node {

namespace {

template <typename T, typename Read>
Result<T> Decode(std::string_view payload, Read read) {
  try {
    return read(Json::parse(payload));
  } catch (const Json::exception& error) {
    return Error::Environment(std::string("a malformed message: ") + error.what());
  }
}

Json DigestToJson(const Digest& digest) { return digest.Hex(); }

Result<Digest> DigestFromJson(const Json& json) { return Digest::FromHex(json.get<std::string>()); }

Json ErrorToJson(const Error& error) {
  return {static_cast<int>(error.kind), error.message, error.hint, error.where};
}

Error ErrorFromJson(const Json& json) {
  const int kind = json.at(0).get<int>();
  const bool known = kind >= 0 && kind <= static_cast<int>(ErrorKind::kBusy);
  return {known ? static_cast<ErrorKind>(kind) : ErrorKind::kEnvironment,
          json.at(1).get<std::string>(), json.at(2).get<std::string>(),
          json.at(3).get<std::string>()};
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

constexpr std::size_t kLogHeadBytes = 8 + 4 + 4 + 8;
constexpr std::size_t kChunkHeadBytes = 32 + 8 + 1;

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
    attempts.push_back({runners::KeyToJson(one.key), one.finished, one.pid});
  }
  return CanonicalJson({{"pid", message.agent_pid},
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
  return Decode<Attached>(payload, [](const Json& json) {
    Attached message;
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
    for (const Json& one : json.at("attempts")) {
      message.attempts.push_back(
          {runners::KeyFromJson(one.at(0)), one.at(1).get<bool>(), one.at(2).get<int>()});
    }
    return message;
  });
}

std::string Encode(const Adopt& message) {
  return CanonicalJson({runners::KeyToJson(message.key), message.log_from});
}

Result<Adopt> DecodeAdopt(std::string_view payload) {
  return Decode<Adopt>(payload, [](const Json& json) {
    return Adopt{runners::KeyFromJson(json.at(0)), json.at(1).get<std::int64_t>()};
  });
}

std::string EncodeKeys(const std::vector<runners::AttemptKey>& keys) {
  Json list = Json::array();
  for (const auto& key : keys) list.push_back(runners::KeyToJson(key));
  return CanonicalJson(list);
}

Result<std::vector<runners::AttemptKey>> DecodeKeys(std::string_view payload) {
  return Decode<std::vector<runners::AttemptKey>>(payload, [](const Json& json) {
    std::vector<runners::AttemptKey> keys;
    for (const Json& key : json) keys.push_back(runners::KeyFromJson(key));
    return keys;
  });
}

std::string Encode(const Finished& message) {
  Json outputs = Json::array();
  for (const ArtifactFile& file : message.outputs) {
    outputs.push_back({file.name, file.size, DigestToJson(file.digest)});
  }
  return CanonicalJson({{"exited", runners::EncodeExited(message.exited)},
                        {"outputs", std::move(outputs)},
                        {"log", message.log_bytes}});
}

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

}  // namespace

Result<Finished> DecodeFinished(std::string_view payload) {
  return Decode<Finished>(payload, [](const Json& json) -> Result<Finished> {
    Finished message;
    DML_TRY(message.exited, runners::DecodeExited(json.at("exited").get<std::string>()));
    for (const Json& item : json.at("outputs")) {
      ArtifactFile file;
      file.name = item.at(0).get<std::string>();
      file.size = item.at(1).get<std::int64_t>();
      if (!IsSafeName(file.name) || file.size < 0) {
        return Error::Environment("a malformed message: the output '" + file.name + "'");
      }
      DML_TRY(file.digest, DigestFromJson(item.at(2)));
      message.outputs.push_back(std::move(file));
    }
    message.log_bytes = json.at("log").get<std::int64_t>();
    return message;
  });
}

std::string Encode(const Lost& message) {
  Json absent = Json::array();
  for (const Digest& digest : message.absent) absent.push_back(DigestToJson(digest));
  return CanonicalJson(
      {runners::KeyToJson(message.key), ErrorToJson(message.error), std::move(absent)});
}

Result<Lost> DecodeLost(std::string_view payload) {
  return Decode<Lost>(payload, [](const Json& json) -> Result<Lost> {
    Lost message{runners::KeyFromJson(json.at(0)), ErrorFromJson(json.at(1)), {}};
    for (const Json& item : json.at(2)) {
      DML_TRY(const Digest digest, DigestFromJson(item));
      message.absent.push_back(digest);
    }
    return message;
  });
}

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

std::string EncodeDigests(const std::vector<Digest>& digests) {
  Json list = Json::array();
  for (const Digest& digest : digests) list.push_back(DigestToJson(digest));
  return CanonicalJson(list);
}

Result<std::vector<Digest>> DecodeDigests(std::string_view payload) {
  return Decode<std::vector<Digest>>(payload, [](const Json& json) -> Result<std::vector<Digest>> {
    if (json.size() > kDigestsPerFrameMax) return Short();
    std::vector<Digest> digests;
    for (const Json& item : json) {
      DML_TRY(const Digest digest, DigestFromJson(item));
      digests.push_back(digest);
    }
    return digests;
  });
}

std::string EncodeStates(const std::vector<BlobState>& states) {
  Json list = Json::array();
  for (const BlobState& state : states) list.push_back({DigestToJson(state.digest), state.bytes});
  return CanonicalJson(list);
}

Result<std::vector<BlobState>> DecodeStates(std::string_view payload) {
  return Decode<std::vector<BlobState>>(
      payload, [](const Json& json) -> Result<std::vector<BlobState>> {
        if (json.size() > kDigestsPerFrameMax) return Short();
        std::vector<BlobState> states;
        for (const Json& item : json) {
          DML_TRY(const Digest digest, DigestFromJson(item.at(0)));
          states.push_back({digest, item.at(1).get<std::int64_t>()});
        }
        return states;
      });
}

std::string Encode(const BlobRange& message) {
  return CanonicalJson({DigestToJson(message.digest), message.size, message.offset});
}

Result<BlobRange> DecodeBlobRange(std::string_view payload) {
  return Decode<BlobRange>(payload, [](const Json& json) -> Result<BlobRange> {
    DML_TRY(const Digest digest, DigestFromJson(json.at(0)));
    const BlobRange range{digest, json.at(1).get<std::int64_t>(), json.at(2).get<std::int64_t>()};
    if (range.size < 0 || range.offset < 0 || range.offset > range.size) return Short();
    return range;
  });
}

std::string Encode(const BlobOutcome& message) {
  return CanonicalJson({DigestToJson(message.digest), ErrorToJson(message.error)});
}

Result<BlobOutcome> DecodeBlobOutcome(std::string_view payload) {
  return Decode<BlobOutcome>(payload, [](const Json& json) -> Result<BlobOutcome> {
    DML_TRY(const Digest digest, DigestFromJson(json.at(0)));
    return BlobOutcome{digest, ErrorFromJson(json.at(1))};
  });
}

void AppendChunk(const Chunk& chunk, std::string& out) {
  std::string payload;
  payload.reserve(kChunkHeadBytes + chunk.bytes.size());
  for (const std::uint8_t byte : chunk.digest.bytes) payload += static_cast<char>(byte);
  PutNumber(chunk.offset, payload);
  payload += static_cast<char>(chunk.packed ? 1 : 0);
  payload += chunk.bytes;
  runners::AppendFrame(runners::FrameType::kChunk, payload, out);
}

Result<Chunk> DecodeChunk(std::string_view payload) {
  if (payload.size() < kChunkHeadBytes || payload.size() > kChunkHeadBytes + kChunkBytesMax) {
    return Short();
  }
  Chunk chunk;
  std::memcpy(chunk.digest.bytes.data(), payload.data(), chunk.digest.bytes.size());
  payload.remove_prefix(chunk.digest.bytes.size());
  chunk.offset = TakeNumber<std::int64_t>(payload);
  chunk.packed = payload.front() == 1;
  chunk.bytes = payload.substr(1);
  if (chunk.offset < 0) return Short();
  return chunk;
}

}  // namespace dml::node
