#include "runners/ssh/verb_words.h"

#include <algorithm>
#include <cstddef>

#include "runners/node/bridge.h"

namespace dml::ssh {

std::string VerbWords::Hear(std::string_view bytes) {
  if (begun_) return std::string(bytes);
  // A part of the marker may be there already.
  const std::size_t overlap = std::min(noise_.size(), node::kVerbMarker.size() - 1);
  const std::size_t from = noise_.size() - overlap;
  noise_ += bytes;
  const std::size_t marker = noise_.find(node::kVerbMarker, from);
  if (marker == std::string::npos) return "";
  begun_ = true;
  std::string words = noise_.substr(marker + node::kVerbMarker.size());
  noise_.resize(marker);
  return words;
}

}  // namespace dml::ssh
