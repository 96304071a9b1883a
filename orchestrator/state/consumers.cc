#include "orchestrator/state/consumers.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/json.h"
#include "orchestrator/core/fingerprint.h"

namespace dml::state {

namespace {

// The first of `artifacts` among the inputs of a key that has one in time.
std::optional<Digest> FirstRead(const std::string& fields, WallTime created,
                                const std::map<Digest, WallTime>& artifacts) {
  const Json parsed = core::ParseKeyFields(fields);
  const auto inputs = parsed.find("inputs");
  if (inputs == parsed.end() || !inputs->is_object()) return std::nullopt;
  for (const Json& port : *inputs) {
    for (const Json& input : port) {
      if (!input.is_string()) continue;
      const auto digest = Digest::FromHex(input.get<std::string>());
      if (!digest.ok()) continue;
      const auto found = artifacts.find(*digest);
      if (found != artifacts.end() && created >= found->second) return *digest;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Consumer>> ConsumersSince(Database& db,
                                             const std::map<Digest, WallTime>& artifacts) {
  std::vector<Consumer> consumers;
  if (artifacts.empty()) return consumers;
  WallTime earliest = artifacts.begin()->second;
  for (const auto& [artifact, since] : artifacts) earliest = std::min(earliest, since);
  DML_TRY(Statement query,
          db.Prepare("SELECT key, created_us, fields FROM cache WHERE created_us >= ?"));
  query.Bind(earliest.us);
  while (true) {
    DML_TRY(const bool more, query.Step());
    if (!more) return consumers;
    const WallTime created{query.Int(1)};
    if (const auto read = FirstRead(query.Text(2), created, artifacts)) {
      consumers.push_back({query.Hash(0), *read, created});
    }
  }
}

}  // namespace dml::state
