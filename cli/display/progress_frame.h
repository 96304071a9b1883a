#pragma once

#include <string>

#include "base/clock.h"
#include "cli/display/progress_model.h"

namespace dml::cli {

// What a frame may use.
struct FrameStyle {
  int width = 80;    // no line is longer
  int rows_max = 8;  // running tasks shown at most
  bool color = false;
};

// The live display as text: one line for the run, one for each running task. Every line ends in a
// newline. Pure: the caller erases the frame before.
//
//   running  ####------  4/12  reused 2  0:07  about 0:12 left
//     model@C=0.1    ####------  41 %  iteration 12   1.2 s
std::string RenderFrame(const ProgressModel& model, Instant now, const FrameStyle& style);

// A bar of `width` cells, `fraction` of them filled.
std::string Bar(double fraction, int width, bool color);

// "0:07", "12:30", "1:02:03".
std::string ClockText(Duration duration);

}  // namespace dml::cli
