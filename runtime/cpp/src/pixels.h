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
    std::int64_t channels; // 1 or 3; 4 of the planes of a mosaic
};

// A frame in somebody else's memory: `first` is its first sample, strides are in bytes, with no 0 for a default.
template <typename Sample>
struct View {
    Sample *first;
    zsn2m_strides strides;
    Size size;
};

// One row of one channel; the distance is in samples.
template <typename Sample>
struct Line {
    Sample *first;
    std::ptrdiff_t distance;

    Sample &operator[](std::int64_t column) const { return first[column * distance]; }
};

template <typename Sample>
Line<Sample> line(const View<Sample> &frame, std::int64_t row, std::int64_t channel) {
    constexpr auto bytes = static_cast<std::ptrdiff_t>(sizeof(Sample));
    const std::ptrdiff_t offset = row * frame.strides.row + channel * frame.strides.channel;
    return {frame.first + offset / bytes, frame.strides.pixel / bytes};
}

template <typename Sample>
Sample &sample_at(const View<Sample> &frame, std::int64_t row, std::int64_t column, std::int64_t channel) {
    return line(frame, row, channel)[column];
}

// The rows of a frame from start to before stop.
struct Rows {
    std::int64_t start;
    std::int64_t stop;
};

// The strides with defaults filled in. Throws Failure (ZSN2M_USAGE) if samples would overlap, be misaligned, or lie
// further apart than memory reaches. `name` is how messages call the frame.
zsn2m_strides check_strides(const zsn2m_strides *strides, const void *first, Size size, std::size_t sample_bytes,
                            const std::string &name);

// Throws Failure (ZSN2M_INPUT) for integers outside of the sensor's range, floats without a pixel that is finite in all
// channels, and finite ones that float32, in which networks compute, does not hold.
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
