#include "runners/ssh/node_probe.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace dml::ssh {

namespace {

constexpr std::string_view kProbeMarker = "\n<<dml-probe>> ";
constexpr double kProbedCpusMax = 1e6;
constexpr int kProbeDepthMax = 4;

enum class ProbeKind { kText, kCount, kCpus, kNode };
struct ProbeField {
  const char* name;
  ProbeKind kind;
};
constexpr std::array<ProbeField, 10> kOfMachine{{{"sha256", ProbeKind::kText},
                                                 {"host", ProbeKind::kText},
                                                 {"arch", ProbeKind::kText},
                                                 {"kernel", ProbeKind::kText},
                                                 {"boot", ProbeKind::kText},
                                                 {"cpus", ProbeKind::kCpus},
                                                 {"memory", ProbeKind::kCount},
                                                 {"disk_free", ProbeKind::kCount},
                                                 {"wall_us", ProbeKind::kCount},
                                                 {"node", ProbeKind::kNode}}};
constexpr std::array<ProbeField, 7> kOfNode{{{"agent", ProbeKind::kCount},
                                             {"running", ProbeKind::kCount},
                                             {"finished", ProbeKind::kCount},
                                             {"blobs", ProbeKind::kCount},
                                             {"drained", ProbeKind::kText},
                                             {"refused", ProbeKind::kText},
                                             {"remedy", ProbeKind::kText}}};

bool IsProbedCount(const Json& value) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_unsigned() && value.get<std::uint64_t>() <= kMost;
}

bool AreProbedCpus(const Json& value) {
  return value.is_number() && value.get<double>() >= 0 && value.get<double>() <= kProbedCpusMax;
}

// An absent one is of an older program.
bool FitsProbe(const Json& object, std::span<const ProbeField> fields) {
  return object.is_object() && std::ranges::all_of(fields, [&](const ProbeField& field) {
           const auto found = object.find(field.name);
           if (found == object.end()) return true;
           switch (field.kind) {
             case ProbeKind::kText:
               return found->is_string();
             case ProbeKind::kCount:
               return IsProbedCount(*found);
             case ProbeKind::kCpus:
               return AreProbedCpus(*found);
             case ProbeKind::kNode:
               return found->is_object();
           }
           return false;
         });
}

// Nothing that this dml knows lies deeper; whatever else there is, is not kept.
bool IsShallowInProbe(int depth, Json::parse_event_t /*event*/, Json& /*value*/) {
  return depth <= kProbeDepthMax;
}

}  // namespace

Result<Json> ParseProbe(std::string_view out) {
  const std::string text = "\n" + std::string(out);
  const std::size_t marker = text.rfind(kProbeMarker);
  if (marker == std::string::npos) return Error::Environment("no answer of the probe");
  const std::size_t begin = marker + kProbeMarker.size();
  const std::string_view line =
      std::string_view(text).substr(begin, text.find('\n', begin) - begin);
  const Error nonsense = Error::Environment("the probe's answer makes no sense");
  if (line.size() > kProbeAnswerMax) return nonsense;
  Json probe = Json::parse(line, IsShallowInProbe, /*allow_exceptions=*/false);
  if (!FitsProbe(probe, kOfMachine)) return nonsense;
  if (const auto node = probe.find("node"); node != probe.end() && !FitsProbe(*node, kOfNode)) {
    return nonsense;
  }
  return probe;
}

}  // namespace dml::ssh
