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

    // Nothing beyond its reach; beyond the end as at it.
    float at(float level) const;

private:
    float end_, reach_; // below 0 at the high end
    std::vector<float> found_;
};

// At each end of a range that is finite.
std::vector<Rise> rises_of_mean(RisingLine noise, double low, double high);

} // namespace zsn2m::core
