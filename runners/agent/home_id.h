#pragma once

#include <string>

namespace dml::agent {

// Names the folder of a home, by whatever path it is reached and wherever it is moved: the content
// of its file `id`, which is made at the first use. A copy of a home has the id of the original.
// Where the file cannot be made (a full disk, say) the folder's number in its file system stands
// for it. Never empty, without spaces; safe to call from several processes at once.
[[nodiscard]] std::string HomeId(const std::string& home);

}  // namespace dml::agent
