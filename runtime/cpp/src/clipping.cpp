#include "clipping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace zsn2m::core {
namespace {

// As in clipping.py, where each is explained.
constexpr double kFarthestFromEnd = 3.0;
constexpr std::size_t kSteps = 121;

const double kRootOfTwo = std::sqrt(2.0);
const double kRootOfTwoPi = std::sqrt(8 * std::atan(1.0));

// Light over the end, in deviations, and the mean of samples that are clipped there.
struct Table {
    std::array<double, kSteps> light{}, mean{};

    Table() {
        for (std::size_t i = 0; i < kSteps; ++i) {
            const double over = kFarthestFromEnd * static_cast<double>(i) / (kSteps - 1);
            light[i] = over;
            mean[i] = over * (1 + std::erf(over / kRootOfTwo)) / 2 + std::exp(-over * over / 2) / kRootOfTwoPi;
        }
    }

    double light_of(double of_samples) const {
        const auto next = std::upper_bound(mean.begin(), mean.end(), of_samples);
        if (next == mean.begin()) return light.front();
        if (next == mean.end()) return light.back();
        const auto i = static_cast<std::size_t>(next - mean.begin());
        return light[i - 1] + (of_samples - mean[i - 1]) / (mean[i] - mean[i - 1]) * (light[i] - light[i - 1]);
    }
};

float added_at(float above, float deviation) {
    static const Table table;
    if (!(above < static_cast<float>(kFarthestFromEnd))) return 0;
    return (above - static_cast<float>(table.light_of(above))) * deviation;
}

} // namespace

float added_by_clipping(float mean, float deviation, double low, double high) {
    float added = 0;
    if (std::isfinite(low)) added += added_at((mean - static_cast<float>(low)) / deviation, deviation);
    if (std::isfinite(high)) added -= added_at((static_cast<float>(high) - mean) / deviation, deviation);
    return added;
}

} // namespace zsn2m::core
