// The variance of noise over light where it does not fall. As zsn2m_runtime/noise/rising_line.py.
#pragma once

#include <cmath>

namespace zsn2m::core {

// Of a channel: slope * level + floor, at least `least`; units of the frame, squared.
struct RisingLine {
    float slope, floor, least;

    // Of noise that is so many times as strong.
    RisingLine times(double strength) const {
        const auto power = static_cast<float>(strength * strength);
        return {power * slope, power * floor, power * least};
    }

    float variance(float level) const {
        const float line = level * slope + floor;
        return line > least ? line : least;
    }

    float deviation(float level) const { return std::sqrt(variance(level)); }
};

} // namespace zsn2m::core
