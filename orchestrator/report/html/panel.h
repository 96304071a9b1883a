#pragma once

#include <string>

#include "base/json.h"

namespace dml::report {

// One panel of plugins/api/panel.h as a card of HTML. Never fails: what is malformed or of an
// unknown type becomes a note that says so, because a report must not die of one bad panel.
std::string PanelHtml(const Json& panel);

}  // namespace dml::report
