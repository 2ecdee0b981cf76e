// What lies beside areas of one value: how often that value, and whether the scene has a border there. As
// zsn2m_runtime/blank/surroundings.py.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "mask.h"
#include "pixels.h"

namespace zsn2m::core {

// Whether each pixel equals the next one in its row, and in its column; the last ones equal none.
struct Alike {
    Mask beside;
    Mask below;
};

// The last pixel of an area towards one side, and one number for its colour.
struct Rim {
    std::int64_t pixel;
    std::uint64_t value;
};

// What is beside the areas of one value.
struct Seen {
    double share;  // of the value itself
    bool bordered; // a clear border: the scene neither approaches the value nor is one step away
};

struct Surroundings {
    std::vector<Rim> rims;                        // one for each side that a pixel is open to
    std::unordered_map<std::uint64_t, Seen> seen; // by value
};

// areas: whose surroundings are judged. blocked: pixels that are no surroundings: the areas, and blank ones.
template <typename Sample>
Surroundings look_beside(const View<const Sample> &frame, const Mask &areas, const Mask &blocked, const Alike &alike);

// One number for each colour: a hash of the channels, which two colours hardly ever share.
template <typename Sample>
std::uint64_t value_of(const View<const Sample> &frame, std::int64_t pixel) {
    constexpr std::uint64_t mix = 0x9E3779B97F4A7C15; // the golden ratio of 2^64
    std::uint64_t value = 0;
    for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
        const Sample sample = sample_at(frame, pixel / frame.size.width, pixel % frame.size.width, channel);
        if constexpr (std::is_floating_point_v<Sample>) {
            const Sample positive = sample + Sample{0}; // 0 for -0, which equals it
            std::conditional_t<sizeof(Sample) == 4, std::uint32_t, std::uint64_t> bits = 0;
            static_assert(sizeof(bits) == sizeof(positive));
            std::memcpy(&bits, &positive, sizeof(bits));
            value = value * mix + bits;
        } else {
            value = value * mix + static_cast<std::uint64_t>(sample);
        }
    }
    return value;
}

} // namespace zsn2m::core
