#pragma once

namespace dml {

// A parameter of a step type by this name, of type kString, is not the step's own: it says which
// node of a cluster has the files that the kPath parameters name. The language takes it out of what
// the step gets and of what its result depends on.
inline constexpr char kNodeParam[] = "at";

}  // namespace dml
