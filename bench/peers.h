#pragma once

#include <string>
#include <vector>

namespace dml {

// The interpreter whose packages are the peers: $PEER_PYTHON, else python3. Ready for a shell.
[[nodiscard]] std::string PeerPython();

// What a command of the shell says on its standard output, line by line and without their ends;
// what it says of errors is not shown, as a peer that is not installed is no error. Waits for its
// end.
[[nodiscard]] std::vector<std::string> LinesOfPeer(const std::string& command);

}  // namespace dml
