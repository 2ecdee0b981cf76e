// Tiles of a frame, evenly spaced, which stand for the whole of it. As zsn2m_runtime/tiles.py.
#pragma once

#include <cstdint>
#include <vector>

#include "motion.h"
#include "noise.h"
#include "pixels.h"

namespace zsn2m::core {

constexpr std::int64_t kTile = 16; // pixels

// The rows and columns of the tiles of a frame, whose sides are at least kTile.
Part chosen_tiles(Size size);

// What planes have there: (channels, rows, columns).
std::vector<float> part_of(const float *planes, Size size, const Part &part);

// Of which tiles hardly a sample is clipped; `own` is what part_of() gives of the noisy frame.
std::vector<bool> are_whole(const std::vector<float> &own, const Part &part, const Noise &noise);

} // namespace zsn2m::core
