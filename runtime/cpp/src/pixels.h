// A caller's frame on one side, float32 planes on the other; the only place that converts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "zsn2m/zsn2m.h"

namespace zsn2m::core {

struct Size {
    std::int64_t height;
    std::int64_t width;
    std::int64_t channels; // 1 or 3
};

// A frame in somebody else's memory: `first` is its first sample, strides are in bytes and none is a default.
template <typename Sample>
struct View {
    Sample *first;
    zsn2m_strides strides;
    Size size;
};

// Which rows of a frame.
struct Rows {
    std::int64_t start;
    std::int64_t stop;
};

// The strides with defaults filled in. Throws Failure (ZSN2M_USAGE) if samples would overlap, be misaligned, or lie
// further apart than memory reaches. `name` is how messages call the frame.
zsn2m_strides check_strides(const zsn2m_strides *strides, const void *first, Size size, std::size_t sample_bytes,
                            const std::string &name);

// Throws Failure (ZSN2M_INPUT) for integers outside of the sensor's range, or floats that are not finite.
template <typename Sample>
void check_samples(const View<const Sample> &frame, double range_low, double range_high);

// Some rows of a frame as planes, values unchanged.
//
// planes: (channels, rows, width), contiguous
template <typename Sample>
void read_planes(const View<const Sample> &frame, Rows rows, float *planes);

// Rows of planes into rows of a frame; integers are rounded half to even.
//
// planes: (channels, plane_rows, width), contiguous; its row `plane_start` becomes the frame's row `rows.start`
template <typename Sample>
void write_planes(const float *planes, std::int64_t plane_rows, std::int64_t plane_start, const View<Sample> &frame,
                  Rows rows);

} // namespace zsn2m::core
