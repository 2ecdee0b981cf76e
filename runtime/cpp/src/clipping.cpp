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
constexpr int kLevels = 4096;
constexpr int kRounds = 24;

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

Rise::Rise(RisingLine noise, double end, bool is_high) : end_(static_cast<float>(end)), reach_(0) {
    const float sign = is_high ? -1.0F : 1.0F;
    for (int i = 0; i < kRounds; ++i) { // deviations grow with the light
        reach_ = std::max(reach_, static_cast<float>(kFarthestFromEnd) * noise.deviation(end_ + sign * reach_));
    }
    reach_ *= sign;
    const float step = reach_ / kLevels;
    for (int i = 0; i < kLevels; ++i) {
        const float level = static_cast<float>(i) * step + end_, deviation = noise.deviation(level);
        found_.push_back(sign * rise_at(sign * (level - end_) / deviation, deviation));
    }
    found_.push_back(0);
}

Rise Rise::by_light() const {
    const double step = std::abs(static_cast<double>(reach_)) / kLevels;
    std::vector<double> light; // over the end, never falling
    for (std::size_t i = 0; i < found_.size(); ++i) {
        const double own = static_cast<double>(i) * step - std::abs(static_cast<double>(found_[i]));
        light.push_back(i ? std::max(own, light.back()) : own);
    }
    Rise rise = *this;
    std::size_t at = 0; // where light begins; rounding has some before
    while (at + 2 < light.size() && light[at + 1] <= step / 2) ++at;
    light[at] = 0;
    for (std::size_t i = 0; i + 1 < found_.size(); ++i) {
        const double sought = static_cast<double>(i) * step;
        while (at + 2 < light.size() && light[at + 1] <= sought) ++at;
        const double share = std::min((sought - light[at]) / (light[at + 1] - light[at]), 1.0);
        const double more = (static_cast<double>(at) + share) * step - sought;
        rise.found_[i] = static_cast<float>(reach_ < 0 ? -more : more);
    }
    return rise;
}

float Rise::at(float value) const {
    const float place = (value - end_) * (kLevels / reach_) + 0.5F;
    return found_[static_cast<std::size_t>(place > 0 ? std::min<float>(place, kLevels) : 0)];
}

Clipping::Clipping(RisingLine noise, double low, double high) {
    if (std::isfinite(low)) of_level_.emplace_back(noise, low, false);
    if (std::isfinite(high)) of_level_.emplace_back(noise, high, true);
    for (const Rise &rise : of_level_) of_light_.push_back(rise.by_light());
}

float Clipping::rise(float level) const {
    float sum = 0;
    for (const Rise &one : of_level_) sum += one.at(level);
    return sum;
}

float Clipping::rise_at(float light) const {
    float sum = 0;
    for (const Rise &one : of_light_) sum += one.at(light);
    return sum;
}

} // namespace zsn2m::core
