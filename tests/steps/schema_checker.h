#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace dml::steps {

// Judges data by a JSON Schema, as far as dml's own schema goes: a keyword that it does not know
// is a fault of the schema. Keeps a reference to `schema`.
class SchemaChecker {
 public:
  explicit SchemaChecker(const Json& schema) : root_(schema) {}

  // Where the data is wrong and the keyword that says so; "" if it is valid.
  [[nodiscard]] std::string FaultOf(const Json& data) const { return Judge(root_, data, ""); }

 private:
  [[nodiscard]] std::string Judge(const Json& schema, const Json& data,
                                  const std::string& at) const;
  [[nodiscard]] std::string JudgeKeyword(const Json& schema, const std::string& keyword,
                                         const Json& data, const std::string& at) const;
  [[nodiscard]] std::string JudgeObject(const Json& schema, const std::string& keyword,
                                        const Json& data, const std::string& at) const;
  [[nodiscard]] std::string JudgeChoice(const Json& alternatives, const Json& data,
                                        const std::string& at, bool exactly_one) const;

  const Json& root_;
};

}  // namespace dml::steps
