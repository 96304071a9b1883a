// The keys of an inventory, declared once.

#include <utility>

#include "runners/ssh/inventory.h"

namespace dml::ssh {

namespace {

constexpr double kPortMax = 65535;
constexpr double kSlotsMax = 4096;

ParamSpec Make(std::string name, ParamType type, std::string doc) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.doc = std::move(doc);
  return spec;
}

ParamSpec Of(ParamSpec spec, ParamType element) {
  spec.element.push_back(Make("", element, ""));
  return spec;
}

ParamSpec Within(ParamSpec spec, double low, double high) {
  spec.minimum = low;
  spec.maximum = high;
  return spec;
}

std::string TypeName(ParamType type) {
  if (type == ParamType::kInt) return "integer";
  if (type == ParamType::kFloat) return "number";
  if (type == ParamType::kList) return "array";
  if (type == ParamType::kMap || type == ParamType::kObject) return "object";
  return "string";
}

Json SchemaOf(const ParamSpec& spec) {
  Json out{{"description", spec.doc}};
  if (spec.type == ParamType::kSize) {
    out["type"] = Json::array({"string", "integer"});
  } else if (spec.type != ParamType::kAny) {
    out["type"] = TypeName(spec.type);
  }
  if (spec.minimum && spec.type != ParamType::kDuration) out["minimum"] = *spec.minimum;
  if (spec.maximum && spec.type != ParamType::kDuration) out["maximum"] = *spec.maximum;
  if (spec.type == ParamType::kList) out["items"] = {{"type", "string"}};
  if (spec.type == ParamType::kMap) out["additionalProperties"] = {{"type", "string"}};
  return out;
}

Json ObjectSchema(const std::vector<ParamSpec>& specs) {
  Json properties = Json::object();
  for (const ParamSpec& spec : specs) properties[spec.name] = SchemaOf(spec);
  return {
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

}  // namespace

const std::vector<ParamSpec>& HostSpecs() {
  static const std::vector<ParamSpec> specs{
      Make("name", ParamType::kString, "what messages call it; default: its host"),
      Make("host", ParamType::kString, "a host name, an address, or an alias of ~/.ssh/config"),
      Make("user", ParamType::kString, "the user to log in as"),
      Within(Make("port", ParamType::kInt, "the port of its sshd"), 1, kPortMax),
      Make("identity_file", ParamType::kString, "the private key to log in with"),
      Make("jump", ParamType::kString,
           "[user@]host[:port] to go through; several with commas, the nearest first"),
      Make("host_key", ParamType::kString,
           "its host key, pinned: SHA256:... or ssh-ed25519 AAAA..."),
      Within(Make("cpus", ParamType::kInt, "cores to use; default: `slots`, or all it has"), 1,
             kSlotsMax),
      Within(Make("slots", ParamType::kInt, "tasks at once; default: as many as its cores allow"),
             1, kSlotsMax),
      Make("memory", ParamType::kSize, "memory to use; default: all it has"),
      Of(Make("labels", ParamType::kList, "what `resources: {labels: [...]}` of a step asks for"),
         ParamType::kString),
      Of(Make("env", ParamType::kMap, "environment variables of every task there"),
         ParamType::kString),
      Make("env_init", ParamType::kString,
           "a script that its login shell runs before the first command, such as `source "
           "/opt/venv/bin/activate`"),
      Make("shared_dir", ParamType::kString,
           "a folder that this machine and the node see under this name: nothing is copied then"),
      Make("workdir", ParamType::kString,
           "the folder that dml uses there, from the home folder; default: .dml-node")};
  return specs;
}

const std::vector<ParamSpec>& ClusterSpecs() {
  static const std::vector<ParamSpec> specs{
      Within(Make("lease", ParamType::kDuration,
                  "how long tasks go on without the orchestrator; default: 30m"),
             1e9, 1e9 * 86400 * 30),
      Within(Make("connect_timeout", ParamType::kDuration, "default: 10s"), 1e9, 600e9),
      Make("ssh_config", ParamType::kString, "a file to read instead of ~/.ssh/config"),
      Make("defaults", ParamType::kAny, "keys of hosts that have no value of their own"),
      Make("hosts", ParamType::kAny, "the nodes: names, or mappings")};
  return specs;
}

Json ClusterSchema() {
  Json schema = ObjectSchema(ClusterSpecs());
  const Json host = ObjectSchema(HostSpecs());
  schema["$schema"] = "http://json-schema.org/draft-07/schema#";
  schema["title"] = "A cluster of dml";
  schema["required"] = Json::array({"hosts"});
  schema["properties"]["defaults"] = host;
  schema["properties"]["hosts"] = {
      {"type", "array"},
      {"minItems", 1},
      {"items", {{"anyOf", Json::array({Json{{"type", "string"}}, host})}}}};
  return schema;
}

}  // namespace dml::ssh
