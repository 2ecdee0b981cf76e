// The noise that a bundle was trained on, as its manifest records it.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "json_object.h"

namespace zsn2m::core {

// Sensor units; lists have a value for each plane of the network.
struct Noise {
    std::vector<double> slope; // the variance at brightness x is slope * x + floor
    std::vector<double> floor;
    double span_low = -std::numeric_limits<double>::infinity(); // brightness that it was measured at; beyond it, a
    double span_high = std::numeric_limits<double>::infinity(); // falling line stays constant
    double beside = 0; // correlation of a pixel's noise with that of the pixel beside,
    double below = 0;  // and below
    double power = 1;  // of heavy tails: variance of all samples over that of the line
    double skew = 0;   // mean of the planes
    // Values at which samples are clipped; infinite: they are not. clipped_at() finds them.
    double end_low = -std::numeric_limits<double>::infinity();
    double end_high = std::numeric_limits<double>::infinity();

    std::size_t planes() const { return slope.size(); }

    // Never below least(). As NoiseModel.variance of zsn2m_runtime.
    double variance(std::size_t plane, double level) const;
    double least(std::size_t plane) const;

    // The same noise of samples that are whole numbers from low to high. Photons are not clipped at black: none is a
    // count. As clipping_ends of zsn2m_runtime.
    Noise clipped_at(double low, double high) const;
};

// Throws Failure: ZSN2M_BUNDLE, where a field is missing, or does not have a value for each of the planes.
Noise parse_noise(const JsonObject &record, std::size_t planes);

} // namespace zsn2m::core
