#pragma once

// The instruction sets the kernels are compiled for: the baseline, SSE4, AVX2 with FMA and AVX-512.
// The others bring nothing here and cost compile time. Include before any Highway header.
#include <hwy/detect_targets.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
