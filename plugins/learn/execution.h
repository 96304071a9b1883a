#pragma once

#include <functional>
#include <stop_token>

#include "plugins/learn/checkpoint.h"

namespace dml::learn {

class Communicator;

// How a fit may use the machine. None of it changes a bit of the result.
struct Execution {
  int threads = 1;
  Communicator* communicator = nullptr;  // null: this process owns every tile
  std::stop_token stop;                  // asked between tiles
  std::function<void(double fraction, const char* note)> progress;  // may be empty
  CheckpointPlace checkpoint = {};  // where an iterative fit leaves its state
};

}  // namespace dml::learn
