#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dml::ssh {

// A host as it is typed: "[user@]host[:port]".
struct TypedHost {
  std::string host;
  std::string user;
  int port = 0;
};
Result<TypedHost> ParseTypedHost(const std::string& text);

// The text of the inventory `path` with hosts added at the end of its list, and nothing else
// changed: comments, order and form stay. An empty text becomes a new inventory. kInvalid if the
// list is written in a way that this cannot extend, with what to write by hand. Pure.
Result<std::string> AddHosts(const std::string& path, const std::string& text,
                             const std::vector<TypedHost>& hosts);

}  // namespace dml::ssh
