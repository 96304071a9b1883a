#pragma once

#include <string>
#include <string_view>

namespace dml::cli {

// An address as messages show it: "https://...@example.org/${env.TOKEN}?...". What may be secret is
// not in it: a user name and password, the query and what follows; `${...}` is to be left unfilled.
[[nodiscard]] std::string ShownUrl(std::string_view url);

}  // namespace dml::cli
