#include "pixels.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <type_traits>

#include "failure.h"

namespace zsn2m::core {
namespace {

template <typename Sample>
Sample to_sample(float value) {
    if constexpr (std::is_floating_point_v<Sample>) {
        return value;
    } else {
        // The exported graph has clamped to the sensor's range. This keeps the conversion defined for NaN, and at the
        // ends of 32 bits: float has 4294967296, but no 4294967295.
        using Real = std::conditional_t<(sizeof(Sample) > 2), double, float>;
        constexpr auto least = static_cast<Real>(std::numeric_limits<Sample>::lowest());
        constexpr auto most = static_cast<Real>(std::numeric_limits<Sample>::max());
        const Real inside = std::min(most, std::max(least, static_cast<Real>(value))); // NaN becomes `least`
        return static_cast<Sample>(std::llrint(inside));
    }
}

struct Extent {
    std::size_t stride; // bytes, absolute
    std::size_t length;
};

std::string as_text(const zsn2m_strides &strides) {
    return "row " + std::to_string(strides.row) + ", pixel " + std::to_string(strides.pixel) + ", channel " +
           std::to_string(strides.channel);
}

std::size_t absolute(std::ptrdiff_t stride) {
    return stride < 0 ? std::size_t{0} - static_cast<std::size_t>(stride) : static_cast<std::size_t>(stride);
}

zsn2m_strides with_defaults(const zsn2m_strides *given, Size size, std::ptrdiff_t sample_bytes) {
    zsn2m_strides strides = given ? *given : zsn2m_strides{0, 0, 0};
    if (strides.channel == 0) strides.channel = sample_bytes;
    if (strides.pixel == 0) strides.pixel = size.channels * sample_bytes;
    if (strides.row == 0 && __builtin_mul_overflow(size.width, strides.pixel, &strides.row)) {
        strides.row = std::numeric_limits<std::ptrdiff_t>::max();
    }
    return strides;
}

// Samples do not overlap if the stride of each axis, from the smallest on, exceeds the extent of the axes before it.
bool samples_are_apart(const zsn2m_strides &strides, Size size, std::size_t sample_bytes) {
    Extent extents[] = {{absolute(strides.row), static_cast<std::size_t>(size.height)},
                        {absolute(strides.pixel), static_cast<std::size_t>(size.width)},
                        {absolute(strides.channel), static_cast<std::size_t>(size.channels)}};
    std::sort(std::begin(extents), std::end(extents),
              [](const Extent &one, const Extent &other) { return one.stride < other.stride; });
    std::size_t span = sample_bytes;
    for (const Extent &extent : extents) {
        if (extent.length == 1) continue;
        std::size_t more = 0;
        if (extent.stride < span || __builtin_mul_overflow(extent.stride, extent.length - 1, &more) ||
            __builtin_add_overflow(span, more, &span)) {
            return false;
        }
    }
    return span <= static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
}

template <typename Sample, typename Body>
void for_each_line(const View<const Sample> &frame, Body body) {
    for (std::int64_t row = 0; row < frame.size.height; ++row) {
        for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) body(line(frame, row, channel));
    }
}

template <typename Sample>
bool is_finite(const View<const Sample> &frame, std::int64_t row, std::int64_t column) {
    for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
        if (!std::isfinite(sample_at(frame, row, column, channel))) return false;
    }
    return true;
}

// Refuse a frame without a pixel that is finite in all channels; others keep NaN and infinity as they are.
template <typename Sample>
void check_finite(const View<const Sample> &frame) {
    for (std::int64_t row = 0; row < frame.size.height; ++row) {
        for (std::int64_t column = 0; column < frame.size.width; ++column) {
            if (is_finite(frame, row, column)) return;
        }
    }
    throw Failure(ZSN2M_INPUT, "frame: expected finite samples, but got NaN or infinite ones in every pixel; there is "
                               "nothing to denoise");
}

// Refuse finite values whose sums are infinite in float32, in which networks compute.
template <typename Sample>
void check_computable(const View<const Sample> &frame) {
    constexpr double most_computed = std::numeric_limits<float>::max() / 16.0;
    double least = 0, most = 0;
    for_each_line(frame, [&](const Line<const Sample> &samples) {
        for (std::int64_t column = 0; column < frame.size.width; ++column) {
            if (!std::isfinite(samples[column])) continue;
            least = std::min(least, static_cast<double>(samples[column]));
            most = std::max(most, static_cast<double>(samples[column]));
        }
    });
    if (least >= -most_computed && most <= most_computed) return;
    char text[128];
    std::snprintf(text, sizeof(text), "but got %.3g to %.3g", least, most);
    throw Failure(ZSN2M_INPUT,
                  std::string("frame: expected values up to 2.13e+37, the most that sums in float32, in which "
                              "networks compute, hold, ") +
                      text + "; scale it, for example by 1e-30, and the result back");
}

} // namespace

zsn2m_strides check_strides(const zsn2m_strides *given, const void *first, Size size, std::size_t sample_bytes,
                            const std::string &name) {
    const auto bytes = static_cast<std::ptrdiff_t>(sample_bytes);
    const zsn2m_strides strides = with_defaults(given, size, bytes);
    if (strides.row % bytes != 0 || strides.pixel % bytes != 0 || strides.channel % bytes != 0 ||
        reinterpret_cast<std::uintptr_t>(first) % sample_bytes != 0) {
        throw Failure(ZSN2M_USAGE, name + ": expected a pointer and strides that are multiples of " +
                                       std::to_string(sample_bytes) + " bytes, but got strides " + as_text(strides) +
                                       "; copy the frame to aligned memory");
    }
    if (!samples_are_apart(strides, size, sample_bytes)) {
        throw Failure(ZSN2M_USAGE, name + ": expected strides in bytes that keep " + std::to_string(size.height) +
                                       " x " + std::to_string(size.width) + " pixels apart, but got " +
                                       as_text(strides) + "; pass 0 for packed samples");
    }
    return strides;
}

template <typename Sample>
void check_samples(const View<const Sample> &frame, double range_low, double range_high) {
    if constexpr (std::is_floating_point_v<Sample>) {
        check_finite(frame);
        if constexpr (sizeof(Sample) > sizeof(float)) check_computable(frame);
    } else {
        Sample least = std::numeric_limits<Sample>::max();
        Sample most = std::numeric_limits<Sample>::lowest();
        for_each_line(frame, [&](const Line<const Sample> &samples) {
            for (std::int64_t column = 0; column < frame.size.width; ++column) {
                least = std::min(least, samples[column]);
                most = std::max(most, samples[column]);
            }
        });
        if (static_cast<double>(least) < range_low || static_cast<double>(most) > range_high) {
            throw Failure(ZSN2M_INPUT,
                          "frame: expected values in the sensor's range " + std::to_string(std::llround(range_low)) +
                              " to " + std::to_string(std::llround(range_high)) + ", but got " + std::to_string(least) +
                              " to " + std::to_string(most) + "; train with the right --bit-depth or --range");
        }
    }
}

template <typename Sample>
void read_planes(const View<const Sample> &frame, Rows rows, float *planes) {
    for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
        for (std::int64_t row = rows.start; row < rows.stop; ++row, planes += frame.size.width) {
            const Line<const Sample> samples = line(frame, row, channel);
            for (std::int64_t column = 0; column < frame.size.width; ++column) {
                planes[column] = static_cast<float>(samples[column]);
            }
        }
    }
}

template <typename Sample>
void write_planes(const float *planes, std::int64_t plane_rows, std::int64_t plane_start, const View<Sample> &frame,
                  Rows rows) {
    for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
        const float *values = planes + (channel * plane_rows + plane_start) * frame.size.width;
        for (std::int64_t row = rows.start; row < rows.stop; ++row, values += frame.size.width) {
            const Line<Sample> samples = line(frame, row, channel);
            for (std::int64_t column = 0; column < frame.size.width; ++column) {
                samples[column] = to_sample<Sample>(values[column]);
            }
        }
    }
}

template void check_samples(const View<const std::uint8_t> &, double, double);
template void check_samples(const View<const std::uint16_t> &, double, double);
template void check_samples(const View<const float> &, double, double);
template void check_samples(const View<const std::int16_t> &, double, double);
template void check_samples(const View<const std::uint32_t> &, double, double);
template void check_samples(const View<const std::int32_t> &, double, double);
template void check_samples(const View<const double> &, double, double);
template void read_planes(const View<const std::uint8_t> &, Rows, float *);
template void read_planes(const View<const std::uint16_t> &, Rows, float *);
template void read_planes(const View<const float> &, Rows, float *);
template void read_planes(const View<const std::int16_t> &, Rows, float *);
template void read_planes(const View<const std::uint32_t> &, Rows, float *);
template void read_planes(const View<const std::int32_t> &, Rows, float *);
template void read_planes(const View<const double> &, Rows, float *);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<std::uint8_t> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<std::uint16_t> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<float> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<std::int16_t> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<std::uint32_t> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<std::int32_t> &, Rows);
template void write_planes(const float *, std::int64_t, std::int64_t, const View<double> &, Rows);

} // namespace zsn2m::core
