// Mosaics as four planes, and back. As zsn2m_runtime/mosaic_planes.py.
#pragma once

#include <string>
#include <vector>

#include "mask.h"
#include "pixels.h"

namespace zsn2m::core {

constexpr std::int64_t kPlanesOfMosaic = 4;

// Of the planes of a mosaic of (height, width): halves rounded up.
Size size_of_planes(Size mosaic);

// Red, green, green, blue, or the other way round, of a pattern such as "RGGB"; an odd side is mirrored.
//
// mosaic: (height, width). planes: (4, height / 2, width / 2)
void split_mosaic(const float *mosaic, Size size, const std::string &pattern, float *planes);
void join_mosaic(const float *planes, Size size, const std::string &pattern, float *mosaic);

// Where any pixel of a cell is set.
Mask mask_of_planes(const Mask &mosaic, const std::string &pattern);

} // namespace zsn2m::core
