// Light that changes from one frame to the next. As zsn2m_runtime/light.py, where the method is described.
#pragma once

#include <cstdint>
#include <vector>

#include "clipping.h"
#include "noise.h"
#include "pixels.h"

namespace zsn2m::core {

constexpr std::int64_t kPart = 8; // cells, side of the squares that parts of a frame are made of

// What becomes of the values of a channel.
struct Light {
    float factor = 1;
    float shift = 0;

    bool is_same() const { return factor == 1 && shift == 0; }
};

// The line from what tiles of each channel were to what they are; exactly none where chance would do it.
//
// before: the mean of the frames before, where its content is now. Planes are (channels, height, width). clipping: of
// each channel.
std::vector<Light> change_of_light(const float *before, const float *noisy, Size size, const Noise &noise,
                                   const std::vector<Clipping> &clipping);

// By how much parts of a frame became brighter; 0 where chance would do it, empty where it would everywhere.
//
// changes: of each channel's cells, (rows, columns), in standard deviations of a frame's noise. left: variance of the
// mean of noise over a square of kPart cells, of that of a pixel.
std::vector<std::vector<float>> change_of_parts(const std::vector<std::vector<float>> &changes, std::int64_t rows,
                                                std::int64_t columns, double left);

} // namespace zsn2m::core
