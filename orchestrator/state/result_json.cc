#include "orchestrator/state/result_json.h"

#include <array>
#include <string_view>

namespace dml::state {

namespace {

constexpr std::array<std::string_view, 3> kKinds{"table", "model", "file"};

Result<Artifact> ReadArtifact(const Json& json) {
  Artifact artifact;
  artifact.port = json.at("port").get<std::string>();
  const auto kind = json.at("kind").get<std::string>();
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == kind) artifact.kind = static_cast<PortKind>(i);
  }
  DML_TRY(artifact.digest, Digest::FromHex(json.at("digest").get<std::string>()));
  for (const Json& entry : json.at("files")) {
    ArtifactFile file{
        entry.at("name").get<std::string>(), {}, entry.at("size").get<std::int64_t>(), {}};
    DML_TRY(file.digest, Digest::FromHex(entry.at("digest").get<std::string>()));
    file.executable = entry.value("executable", false);
    artifact.files.push_back(std::move(file));
  }
  return artifact;
}

}  // namespace

Json ArtifactsToJson(const std::vector<Artifact>& artifacts) {
  Json out = Json::array();
  for (const Artifact& artifact : artifacts) {
    Json files = Json::array();
    for (const ArtifactFile& file : artifact.files) {
      files.push_back({{"name", file.name}, {"size", file.size}, {"digest", file.digest.Hex()}});
      if (file.executable) files.back()["executable"] = true;
    }
    out.push_back({{"port", artifact.port},
                   {"kind", kKinds[static_cast<std::size_t>(artifact.kind)]},
                   {"digest", artifact.digest.Hex()},
                   {"files", std::move(files)}});
  }
  return out;
}

Result<std::vector<Artifact>> ArtifactsFromJson(const Json& json) {
  try {
    std::vector<Artifact> artifacts;
    for (const Json& entry : json) {
      DML_TRY(Artifact artifact, ReadArtifact(entry));
      artifacts.push_back(std::move(artifact));
    }
    return artifacts;
  } catch (const Json::exception& error) {
    return Error::Environment(std::string("the store holds a malformed result: ") + error.what());
  }
}

}  // namespace dml::state
