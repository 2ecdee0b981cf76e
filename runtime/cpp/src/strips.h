// Cutting a frame into strips whose kept rows are exactly those of the whole frame.
#pragma once

#include <cstdint>
#include <vector>

namespace zsn2m::core {

constexpr std::int64_t kDefaultStripPixels = std::int64_t{1} << 19; // kept pixels per strip; as in the Python runtime
// Of a model that takes the strength of the noise, whose layers have half of the resolution; likewise.
constexpr std::int64_t kStripPixelsOfVideo = 4 * kDefaultStripPixels;
constexpr std::int64_t kSmallestStrip = 4; // halos; a strip is read with two more, at most half of its rows

// Rows to read, [read_start, read_stop), and the rows of the frame that they give, [start, stop).
struct Strip {
    std::int64_t read_start;
    std::int64_t read_stop;
    std::int64_t start;
    std::int64_t stop;
};

// What a card says of a network.
struct Reach {
    std::int64_t stride;           // frames are cut at multiples of it
    std::int64_t receptive_radius; // pixels that a result depends on, to each side
};

// Strips of about equal height over a frame, each with its halos.
//
// Origins are multiples of the stride (a strip then meets the same pooling grid as the whole frame), halos are the
// receptive radius rounded up to it (so no kept row sees a border that the frame does not have). Very wide frames get
// strips of more pixels than asked for, so that halos do not outweigh them.
std::vector<Strip> plan_strips(std::int64_t height, std::int64_t width, Reach reach, std::int64_t strip_pixels);

} // namespace zsn2m::core
