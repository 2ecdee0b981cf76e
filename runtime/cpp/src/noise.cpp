#include "noise.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace zsn2m::core {
namespace {

constexpr double kPhotons = 0.1;     // skewness from which on white noise is that of photons
constexpr double kCorrelated = 0.15; // correlation of neighbours from which on noise is not white
constexpr double kLeast = 1e-3; // of the largest variance in the span: the line may go below. As LEAST of Python

std::vector<double> numbers(const JsonObject &record, const char *key, std::size_t count) {
    std::vector<double> values = record.numbers(key);
    if (values.size() != count) {
        record.refuse(key, std::to_string(count) + " numbers", std::to_string(values.size()));
    }
    return values;
}

} // namespace

double Noise::variance(std::size_t plane, double level) const {
    if (slope[plane] < 0) level = std::clamp(level, span_low, span_high);
    return std::max(slope[plane] * level + floor[plane], least(plane));
}

double Noise::least(std::size_t plane) const {
    double most = floor[plane];
    if (std::isfinite(span_low)) {
        most = std::max(slope[plane] * span_low, slope[plane] * span_high) + floor[plane];
    }
    return kLeast * std::max(most, std::numeric_limits<double>::min());
}

Noise Noise::clipped_at(double low, double high) const {
    Noise clipped = *this;
    const bool of_photons = skew > kPhotons && std::max(std::abs(beside), std::abs(below)) <= kCorrelated;
    if (!of_photons) clipped.end_low = low;
    clipped.end_high = high;
    return clipped;
}

Noise parse_noise(const JsonObject &record, std::size_t planes) {
    Noise noise;
    noise.slope = numbers(record, "slope", planes);
    noise.floor = numbers(record, "floor", planes);
    if (record.has("span")) {
        const std::vector<double> span = numbers(record, "span", 2);
        if (span[0] > span[1]) record.refuse("span", "two rising values", "falling ones");
        noise.span_low = span[0];
        noise.span_high = span[1];
    }
    const std::vector<double> neighbours = numbers(record, "neighbours", 2);
    noise.beside = neighbours[0];
    noise.below = neighbours[1];
    for (const double skew : numbers(record, "skew", planes)) noise.skew += skew / static_cast<double>(planes);
    if (record.has("tails")) noise.power = record.object("tails").number("power");
    if (noise.power < 0) record.refuse("tails", "a power of 0 or more", std::to_string(noise.power));
    return noise;
}

} // namespace zsn2m::core
