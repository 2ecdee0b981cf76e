// Light that changes as a whole, from one frame to the next. As zsn2m_runtime/light.py, where the method is described.
#pragma once

#include <vector>

#include "noise.h"
#include "pixels.h"

namespace zsn2m::core {

// What becomes of the values of a channel.
struct Light {
    float factor = 1;
    float shift = 0;

    bool is_same() const { return factor == 1 && shift == 0; }
};

// The line from what tiles of each channel were to what they are; exactly none where chance would do it.
//
// before: the mean of the frames before, where its content is now. Planes are (channels, height, width).
std::vector<Light> change_of_light(const float *before, const float *noisy, Size size, const Noise &noise);

} // namespace zsn2m::core
