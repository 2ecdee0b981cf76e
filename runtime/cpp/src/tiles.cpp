#include "tiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace zsn2m::core {
namespace {

// As in tiles.py, where each is explained.
constexpr double kMostTiles = 400;
constexpr double kClipped = 0.02;

} // namespace

Part chosen_tiles(Size size) {
    const std::int64_t rows = size.height / kTile, columns = size.width / kTile;
    const double steps = std::sqrt(static_cast<double>(rows * columns) / kMostTiles);
    const auto step = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(steps)));
    const auto places = [step](std::int64_t count) {
        std::vector<std::int64_t> found;
        for (std::int64_t tile = 0; tile < count; tile += step) {
            for (std::int64_t within = 0; within < kTile; ++within) found.push_back(tile * kTile + within);
        }
        return found;
    };
    return {places(rows), places(columns)};
}

std::vector<float> part_of(const float *planes, Size size, const Part &part) {
    std::vector<float> found;
    found.reserve(static_cast<std::size_t>(size.channels) * part.rows.size() * part.columns.size());
    for (std::int64_t channel = 0; channel < size.channels; ++channel) {
        for (const std::int64_t row : part.rows) {
            const float *const line = planes + (channel * size.height + row) * size.width;
            for (const std::int64_t column : part.columns) found.push_back(line[column]);
        }
    }
    return found;
}

std::vector<bool> are_whole(const std::vector<float> &own, const Part &part, const Noise &noise) {
    const std::size_t columns = part.columns.size() / kTile, rows = part.rows.size() / kTile;
    std::vector<double> shares(rows * columns);
    for (std::size_t i = 0; i < own.size(); ++i) {
        const auto value = static_cast<double>(own[i]);
        if (value != noise.end_low && value != noise.end_high) continue;
        const std::size_t row = i / part.columns.size() % part.rows.size(), column = i % part.columns.size();
        shares[row / kTile * columns + column / kTile] +=
            static_cast<double>(rows * columns) / static_cast<double>(own.size());
    }
    std::vector<bool> whole;
    for (const double share : shares) whole.push_back(share < kClipped);
    return whole;
}

} // namespace zsn2m::core
