#include "motion.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "statistics.h"

namespace zsn2m::core {
namespace {

// As in motion.py, where each is explained; docs/decisions/motion.md measured them.
constexpr std::int64_t kFactor = 2;
constexpr double kMostPixels = 131072;
constexpr std::int64_t kDetailReach = 2; // to each side of a pixel: 5 x 5, whose mean is taken away
constexpr std::int64_t kBlock = 8;
constexpr float kLeastAlike = 0.5F;
constexpr float kLeastChange = 0.7F;

using Values = std::vector<float>;

// What is left of a picture of at least 3 x 3 pixels without the mean about each pixel, its borders mirrored.
Values detail_of(const SmallGrey &picture) {
    const auto mirrored = [](std::int64_t place, std::int64_t length) {
        return place < 0 ? -place : place < length ? place : 2 * (length - 1) - place;
    };
    Values rest = picture.values, sums(static_cast<std::size_t>(picture.width));
    for (std::int64_t row = 0; row < picture.height; ++row) {
        std::fill(sums.begin(), sums.end(), 0.0F);
        for (std::int64_t near = row - kDetailReach; near <= row + kDetailReach; ++near) {
            const float *const line = picture.values.data() + mirrored(near, picture.height) * picture.width;
            for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += line[i];
        }
        for (std::int64_t column = 0; column < picture.width; ++column) {
            float sum = 0;
            for (std::int64_t near = column - kDetailReach; near <= column + kDetailReach; ++near) {
                sum += sums[static_cast<std::size_t>(mirrored(near, picture.width))];
            }
            constexpr float pixels = (2 * kDetailReach + 1) * (2 * kDetailReach + 1);
            rest[static_cast<std::size_t>(row * picture.width + column)] -= sum / pixels;
        }
    }
    return rest;
}

// Means of whole blocks of what `value` gives for each pixel.
template <typename Value>
Values block_means(const SmallGrey &picture, Value value) {
    const std::int64_t rows = picture.height / kBlock, columns = picture.width / kBlock;
    Values means(static_cast<std::size_t>(rows * columns), 0.0F);
    for (std::int64_t row = 0; row < rows * kBlock; ++row) {
        for (std::int64_t column = 0; column < columns * kBlock; ++column) {
            means[static_cast<std::size_t>(row / kBlock * columns + column / kBlock)] +=
                value(static_cast<std::size_t>(row * picture.width + column)) / (kBlock * kBlock);
        }
    }
    return means;
}

template <typename Value>
float median_of(std::size_t count, Value value) {
    Values values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = value(i);
    return median(values);
}

} // namespace

std::optional<Flow> still(const float *previous, const float *noisy, const float *seen, Size size) {
    if (std::min(size.height, size.width) < kLeastMotionSide) return std::nullopt;
    const std::int64_t factor = small_factor(size.height, size.width);
    const SmallGrey before = small_grey(previous, size, factor), now = small_grey(noisy, size, factor);
    if (is_cut(before, now, [=] { return small_grey(seen, size, factor); })) return std::nullopt;
    return Flow{};
}

std::int64_t small_factor(std::int64_t height, std::int64_t width) {
    const double pixels = static_cast<double>(height) * static_cast<double>(width);
    const auto factor = std::max(kFactor, static_cast<std::int64_t>(std::ceil(std::sqrt(pixels / kMostPixels))));
    return std::max<std::int64_t>(1, std::min(factor, std::min(height, width) / kLeastMotionSide));
}

SmallGrey small_grey(const float *planes, Size size, std::int64_t factor) {
    SmallGrey small = {{}, size.height / factor, size.width / factor};
    small.values.resize(static_cast<std::size_t>(small.height * small.width));
    Values sums(static_cast<std::size_t>(size.width)); // of the rows of a small pixel, over the channels
    const float pixels = static_cast<float>(factor * factor * size.channels);
    for (std::int64_t row = 0; row < small.height; ++row) {
        std::fill(sums.begin(), sums.end(), 0.0F);
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            for (std::int64_t within = 0; within < factor; ++within) {
                const float *const line = planes + (channel * size.height + row * factor + within) * size.width;
                for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += line[i];
            }
        }
        float *const grey = small.values.data() + row * small.width;
        for (std::int64_t column = 0; column < small.width; ++column) {
            const float *const from = sums.data() + column * factor;
            float sum = 0;
            for (std::int64_t within = 0; within < factor; ++within) sum += from[within];
            grey[column] = sum / pixels;
        }
    }
    return small;
}

bool is_cut(const SmallGrey &before, const SmallGrey &now, const std::function<SmallGrey()> &seen) {
    const Values past = detail_of(before), present = detail_of(now);
    const Values shared = block_means(now, [&](std::size_t i) { return past[i] * present[i]; });
    const Values own = block_means(now, [&](std::size_t i) { return past[i] * past[i]; });
    const float usual = median_of(own.size(), [&](std::size_t i) { return own[i]; });
    Values alike;
    for (std::size_t i = 0; i < own.size(); ++i) {
        if (own[i] >= usual) alike.push_back(shared[i] / std::max(own[i], std::numeric_limits<float>::min()));
    }
    if (median(alike) >= kLeastAlike) return false;
    const auto change_from = [&](const SmallGrey &earlier) {
        const Values changes = block_means(now, [&](std::size_t i) { return now.values[i] - earlier.values[i]; });
        return median_of(changes.size(), [&](std::size_t i) { return std::abs(changes[i]); });
    };
    return std::min(change_from(before), change_from(seen())) >
           kLeastChange * median_of(past.size(), [&](std::size_t i) { return std::abs(present[i] - past[i]); });
}

} // namespace zsn2m::core
