#include "clipping.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace zsn2m::core {
namespace {

// As in clipping.py, where each is explained.
constexpr double kFarthestFromEnd = 3.0;
constexpr std::size_t kSteps = 1024;
constexpr int kRefinements = 6;

const double kRootOfTwo = std::sqrt(2.0);
const double kRootOfTwoPi = std::sqrt(8 * std::atan(1.0));

// By Newton's method, from a light below it.
double light_of(double mean, double light) {
    for (int i = 0; i < kRefinements; ++i) {
        const double share = (1 + std::erf(light / kRootOfTwo)) / 2;
        light += (mean - light * share - std::exp(-light * light / 2) / kRootOfTwoPi) / share;
    }
    return light;
}

// Light over the end, in deviations, at means that are evenly apart.
struct Table {
    float first = static_cast<float>(1 / kRootOfTwoPi), step = 0;
    std::array<float, kSteps + 1> light{}, growth{};

    Table() {
        const double start = 1 / kRootOfTwoPi, apart = (kFarthestFromEnd - start) / kSteps;
        step = static_cast<float>(apart);
        double found = 0;
        for (std::size_t i = 1; i <= kSteps; ++i) {
            found = light_of(start + static_cast<double>(i) * apart, found);
            light[i] = static_cast<float>(found);
            growth[i - 1] = light[i] - light[i - 1];
        }
    }

    float at(float mean) const {
        const float place = std::max((mean - first) / step, 0.0F);
        const auto i = static_cast<std::size_t>(place);
        return light[i] + (place - static_cast<float>(i)) * growth[i];
    }
};

float rise_at(float above, float deviation) {
    static const Table table;
    if (!(above < static_cast<float>(kFarthestFromEnd))) return 0;
    return (above - table.at(above)) * deviation;
}

} // namespace

float rise_of_mean(float mean, float deviation, double low, double high) {
    float rise = 0;
    if (std::isfinite(low)) rise += rise_at((mean - static_cast<float>(low)) / deviation, deviation);
    if (std::isfinite(high)) rise -= rise_at((static_cast<float>(high) - mean) / deviation, deviation);
    return rise;
}

} // namespace zsn2m::core
