// What clipping adds to the mean of frames. As zsn2m_runtime/noise/clipping.py, where the method is described.
#pragma once

#include <vector>

#include "rising_line.h"

namespace zsn2m::core {

// By how much clipping raised the mean of many samples near an end of the range, by its level; below 0 at the high end.
class Rise {
public:
    // noise: of the frames, before clipping. Makes a table.
    Rise(RisingLine noise, double end, bool is_high);

    // The same by the light that samples have.
    Rise by_light() const;

    // Nothing beyond its reach; beyond the end as at it.
    float at(float value) const;

private:
    float end_, reach_; // below 0 at the high end
    std::vector<float> found_;
};

// What the ends of a range do to the noise of a channel.
class Clipping {
public:
    Clipping(RisingLine noise, double low, double high); // infinite ends: nothing

    // By how much clipping raised the mean of many samples, by that mean; below 0 near the high end.
    float rise(float level) const;

    // The same, by the light that the samples have.
    float rise_at(float light) const;

private:
    std::vector<Rise> of_level_, of_light_;
};

} // namespace zsn2m::core
