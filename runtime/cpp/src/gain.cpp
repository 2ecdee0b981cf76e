#include "gain.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "statistics.h"
#include "tiles.h"

namespace zsn2m::core {
namespace {

// As in gain.py, where each is explained; docs/decisions/gain.md measured them.
constexpr double kQuartile = -0.6745;
constexpr double kLikeTrainingLow = 0.85, kLikeTrainingHigh = 1.18;
constexpr double kSudden = 1.2;
constexpr double kSlow = 0.2;
constexpr double kMost = 16;
constexpr double kLeastShared = 0.05;
constexpr double kFewest = 0.1;

// Power of the noise's diagonal detail, of its variance.
double share_of(const Noise &noise) {
    return std::max((1 - noise.beside) * (1 - noise.below), kLeastShared) * std::max(noise.power, 1.0);
}

// Of planes that consist of tiles: the level of `seen`, and the detail of `rest`.
std::vector<Tile> tiles_of(const std::vector<float> &seen, const std::vector<float> &rest, const Part &part) {
    const auto height = static_cast<std::int64_t>(part.rows.size()),
               width = static_cast<std::int64_t>(part.columns.size());
    const std::size_t channels = seen.size() / (part.rows.size() * part.columns.size());
    std::vector<Tile> tiles;
    for (std::int64_t row = 0; row < height; row += kTile) {
        for (std::int64_t column = 0; column < width; column += kTile) {
            Tile tile = {std::vector<double>(channels), std::vector<double>(channels)};
            for (std::size_t channel = 0; channel < channels; ++channel) {
                const std::int64_t first = (static_cast<std::int64_t>(channel) * height + row) * width + column;
                for (std::int64_t i = 0; i < kTile * kTile / 4; ++i) { // 2 x 2 pixels each
                    const std::int64_t at = first + i / (kTile / 2) * 2 * width + i % (kTile / 2) * 2;
                    const float *const upper = rest.data() + at, *const lower = upper + width;
                    const double detail = (upper[0] - lower[0] - upper[1] + lower[1]) / 2;
                    tile.power[channel] += detail * detail / (kTile * kTile / 4);
                    for (const float *pixel : {seen.data() + at, seen.data() + at + width}) {
                        tile.level[channel] += (static_cast<double>(pixel[0]) + pixel[1]) / (kTile * kTile);
                    }
                }
            }
            tiles.push_back(std::move(tile));
        }
    }
    return tiles;
}

std::vector<Tile> tiles_of(const float *noisy, Size size) {
    const Part part = chosen_tiles(size);
    const std::vector<float> own = part_of(noisy, size, part);
    return tiles_of(own, own, part);
}

// The tiles of a frame, of those whose samples are hardly clipped: their level before, and the detail of the change.
struct Changes {
    std::vector<Tile> all, sound;
};

Changes changes_of(const float *before, const float *noisy, Size size, const Flow &flow, const Noise &noise) {
    const Part part = chosen_tiles(size);
    std::vector<float> change = part_of(noisy, size, part), seen;
    const std::vector<bool> whole = are_whole(change, part, noise);
    if constexpr (kWithOpenCv) {
        if (flow.moves()) bring_part(flow, before, size, part, seen);
    }
    if (!flow.moves()) seen = part_of(before, size, part);
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= seen[i];
    Changes found = {tiles_of(seen, change, part), {}};
    for (std::size_t i = 0; i < found.all.size(); ++i) {
        if (whole[i]) found.sound.push_back(found.all[i]);
    }
    return found;
}

double nearest(const std::vector<double> &strengths, double found) {
    const auto apart = [found](double one) { return std::abs(std::log(one / found)); };
    return *std::min_element(strengths.begin(), strengths.end(),
                             [&](double one, double other) { return apart(one) < apart(other); });
}

double mean_variance(const Noise &noise, const std::vector<Tile> &tiles) {
    double sum = 0;
    for (const Tile &tile : tiles) {
        for (std::size_t plane = 0; plane < tile.level.size(); ++plane) sum += noise.variance(plane, tile.level[plane]);
    }
    return sum;
}

} // namespace

Gain::Gain(std::vector<Noise> noises) : noises_(std::move(noises)) {}

void Gain::start(const float *noisy, Size size) {
    if (std::min(size.height, size.width) < kTile) return;
    const std::vector<Tile> tiles = tiles_of(noisy, size);
    const double own = measured(tiles);
    found_ = noises_.size() > 1 ? nearest(strengths(tiles), own) : std::max(std::min(found_, own), 1.0);
    strength_ = found_;
}

void Gain::update(const float *before, const float *noisy, Size size, const Flow &flow) {
    if (std::min(size.height, size.width) < kTile) return;
    const auto [tiles, sound] = changes_of(before, noisy, size, flow, noises_.front());
    const bool enough = static_cast<double>(sound.size()) >= kFewest * static_cast<double>(tiles.size());
    const double now = enough ? measured(sound) : std::max(found_, measured(tiles)), change = now / found_;
    const bool sudden = !(1 / kSudden < change && change < kSudden);
    found_ = sudden ? now : found_ * std::pow(change, kSlow);
    std::vector<double> alike;
    for (const double one : strengths(tiles)) {
        if (kLikeTrainingLow < found_ / one && found_ / one < kLikeTrainingHigh) alike.push_back(one);
    }
    strength_ = alike.empty() ? found_ : nearest(alike, found_);
}

// Source of what the quartile of noise alone is: Wilson and Hilferty, PNAS 1931, for chi squared.
double Gain::measured(const std::vector<Tile> &tiles) const {
    const Noise &noise = noises_.front();
    const auto channels = static_cast<double>(noise.planes());
    std::vector<double> ratios;
    for (const Tile &tile : tiles) {
        double sum = 0;
        for (std::size_t plane = 0; plane < noise.planes(); ++plane) {
            sum += tile.power[plane] / (noise.variance(plane, tile.level[plane]) * share_of(noise));
        }
        ratios.push_back(sum / channels);
    }
    const double spread = 2 / (9 * channels * kTile * kTile / 4);
    const double of_noise = std::pow(1 - spread + kQuartile * std::sqrt(spread), 3);
    return std::clamp(std::sqrt(quantile(ratios, 0.25) / of_noise), 1 / kMost, kMost);
}

// Of each noise that was trained on; of the first 1.
std::vector<double> Gain::strengths(const std::vector<Tile> &tiles) const {
    std::vector<double> found = {1};
    const double first = mean_variance(noises_.front(), tiles);
    for (auto noise = noises_.begin() + 1; noise != noises_.end(); ++noise) {
        found.push_back(std::sqrt(mean_variance(*noise, tiles) / first));
    }
    return found;
}

} // namespace zsn2m::core
