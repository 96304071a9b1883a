#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::runners {

// Payloads of frames, in the form of packing.h. Decoding trusts nothing; what does not fit is
// kEnvironment.

[[nodiscard]] std::string EncodeLaunch(const LaunchSpec& spec);
Result<LaunchSpec> DecodeLaunch(std::string_view payload);

// Recall and its answer.
[[nodiscard]] std::string EncodeKey(const AttemptKey& key);
Result<AttemptKey> DecodeKey(std::string_view payload);

struct KillRequest {
  AttemptKey key;
  KillMode mode = KillMode::kTerminate;
};
[[nodiscard]] std::string EncodeKill(const KillRequest& request);
Result<KillRequest> DecodeKill(std::string_view payload);

[[nodiscard]] std::string EncodeStarted(const AttemptStarted& event);
Result<AttemptStarted> DecodeStarted(std::string_view payload);
[[nodiscard]] std::string EncodeProgress(const AttemptProgress& event);
Result<AttemptProgress> DecodeProgress(std::string_view payload);
[[nodiscard]] std::string EncodeExited(const AttemptExited& event);
Result<AttemptExited> DecodeExited(std::string_view payload);

}  // namespace dml::runners
