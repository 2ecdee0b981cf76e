#include "fusion.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "clipping.h"
#include "statistics.h"

namespace zsn2m::core {
namespace {

// As in fusion.py, where each is explained; docs/decisions/fusion.md measured them.
constexpr float kDrift = 0.02F;
constexpr std::int64_t kNear = 1;        // cells to each side of those whose mean difference is judged: 3 x 3
constexpr std::int64_t kEnergyReach = 2; // of those whose mean square is: 5 x 5
constexpr double kSpread = 1.5;
constexpr float kExcess = 6.0F;
constexpr float kRepeated = 0.6F;
constexpr float kFarthest = 1e3F;
constexpr float kWhole = 4.0F;
constexpr double kLeastNoise = 1e-24;
constexpr std::int64_t kEvery = 8;
constexpr std::int64_t kBetween = 2;
constexpr double kMostly = 0.9;
constexpr double kWeak = 0.45;
constexpr float kClipped = 1.5F;

// Variance of the mean of noise over a square of pixels, of that of a pixel, where correlation falls by powers.
double left_of_mean(std::int64_t side, double beside, double below) {
    const auto mean = [side](double correlation) {
        double sum = 0;
        for (std::int64_t i = 0; i < side; ++i) {
            for (std::int64_t k = 0; k < side; ++k) sum += std::pow(correlation, std::abs(static_cast<double>(i - k)));
        }
        return sum / static_cast<double>(side * side);
    };
    return mean(beside) * mean(below);
}

// A place outside of 0 ... length - 1, mirrored at the end itself; at most length - 1 beyond.
std::int64_t mirrored(std::int64_t place, std::int64_t length) {
    if (place < 0) return -place;
    return place < length ? place : 2 * (length - 1) - place;
}

// Sum of the rows about one, of an array of rows of `columns`; with room for `reach` mirrored values at both ends.
void sum_of_rows(const std::vector<float> &values, std::int64_t rows, std::int64_t columns, std::int64_t row,
                 std::int64_t reach, std::vector<float> &sums) {
    sums.assign(static_cast<std::size_t>(columns + 2 * reach), 0.0F);
    float *const inside = sums.data() + reach;
    for (std::int64_t other = row - reach; other <= row + reach; ++other) {
        const float *const line = values.data() + mirrored(other, rows) * columns;
        for (std::int64_t column = 0; column < columns; ++column) inside[column] += line[column];
    }
    for (std::int64_t beyond = 1; beyond <= reach; ++beyond) {
        inside[-beyond] = inside[beyond];
        inside[columns - 1 + beyond] = inside[columns - 1 - beyond];
    }
}

struct RowPair {
    const float *upper, *lower;
};

// The cells of two rows: their mean change over the noise's deviation, and, added, their mean square over its variance.
void measure_row(RowPair mean, RowPair now, std::int64_t width, RisingLine noise, float share, float *__restrict levels,
                 float *__restrict changes, float *__restrict squares) {
    const auto measure = [=](std::int64_t column, std::int64_t left, std::int64_t right) {
        const float a = mean.upper[left], b = mean.upper[right], c = mean.lower[left], d = mean.lower[right];
        const float p = now.upper[left] - a, q = now.upper[right] - b, r = now.lower[left] - c,
                    s = now.lower[right] - d;
        levels[column] = (a + b + c + d) / 4;
        const float scale = 1 / noise.deviation(levels[column]);
        changes[column] = std::clamp((p + q + r + s) * (scale / 4), -kFarthest, kFarthest);
        const float energy = (p * p + q * q + r * r + s * s) * (scale * scale / 4);
        squares[column] += std::min(energy, kFarthest * kFarthest) * share;
    };
    const std::int64_t whole = width / kFusionCell;
    for (std::int64_t column = 0; column < whole; ++column) measure(column, 2 * column, 2 * column + 1);
    if (width % kFusionCell) measure(whole, 2 * whole, 2 * whole);
}

// Mean of the pixels of a cell; an odd side is continued.
float level_of(const float *plane, Size size, std::int64_t cell) {
    const std::int64_t top = cell / cells_of(size.width) * kFusionCell, left = cell % cells_of(size.width) * kFusionCell;
    const std::int64_t right = std::min(left + 1, size.width - 1);
    const float *const upper = plane + top * size.width;
    const float *const lower = plane + std::min(top + 1, size.height - 1) * size.width;
    return (upper[left] + upper[right] + lower[left] + lower[right]) / 4;
}

// Values of cells at the pixels of a row, linear between cells; one more than pixels where their number is odd.
void at_pixels(const std::vector<float> &cells, Size size, std::int64_t row, std::vector<float> &pixels) {
    const std::int64_t rows = cells_of(size.height), columns = cells_of(size.width), cell = row / kFusionCell;
    const std::int64_t next = std::clamp<std::int64_t>(row % kFusionCell ? cell + 1 : cell - 1, 0, rows - 1);
    const float *const own = cells.data() + cell * columns, *const other = cells.data() + next * columns;
    std::vector<float> between(static_cast<std::size_t>(columns + 2)); // the ends twice
    pixels.resize(static_cast<std::size_t>(kFusionCell * columns));
    float *const inside = between.data() + 1;
    for (std::int64_t i = 0; i < columns; ++i) inside[i] = 0.75F * own[i] + 0.25F * other[i];
    inside[-1] = inside[0];
    inside[columns] = inside[columns - 1];
    float *const found = pixels.data();
    for (std::int64_t i = 0; i < columns; ++i) {
        found[2 * i] = 0.75F * inside[i] + 0.25F * inside[i - 1];
        found[2 * i + 1] = 0.75F * inside[i] + 0.25F * inside[i + 1];
    }
}

} // namespace

void Mean::be_one_frame(Size size) {
    variance.assign(static_cast<std::size_t>(cells_of(size.height) * cells_of(size.width)), 1.0F);
    levels.clear();
}

Mean Mean::relit(const std::vector<Light> &light, Size size, const std::vector<Clipping> &clipping) const {
    Mean found = *this;
    const std::size_t pixels = planes.size() / light.size();
    std::vector<float> more(variance.size()), of_row;
    float squares = 0;
    for (std::size_t channel = 0; channel < light.size(); ++channel) {
        const Light change = light[channel];
        squares += change.factor * change.factor / static_cast<float>(light.size());
        for (std::size_t i = channel * pixels; i < (channel + 1) * pixels; ++i) {
            found.planes[i] = found.planes[i] * change.factor + change.shift;
        }
        if (clipping.empty()) continue;
        for (std::size_t i = 0; i < more.size(); ++i) {
            const float level = level_of(planes.data() + channel * pixels, size, static_cast<std::int64_t>(i));
            const float was = clipping[channel].rise(level);
            more[i] = clipping[channel].rise_at((level - was) * change.factor + change.shift) - change.factor * was;
        }
        for (std::int64_t row = 0; row < size.height; ++row) {
            at_pixels(more, size, row, of_row);
            float *const line = found.planes.data() + static_cast<std::int64_t>(channel * pixels) + row * size.width;
            for (std::int64_t i = 0; i < size.width; ++i) line[i] += of_row[static_cast<std::size_t>(i)];
        }
    }
    for (float &value : found.variance) value *= squares;
    return found;
}

std::vector<float> Mean::strengths(Size size, float times) const {
    std::vector<float> deviations, found, row_of_pixels;
    for (const float value : variance) deviations.push_back(times * std::sqrt(value));
    found.reserve(static_cast<std::size_t>(size.height * size.width));
    for (std::int64_t row = 0; row < size.height; ++row) {
        at_pixels(deviations, size, row, row_of_pixels);
        found.insert(found.end(), row_of_pixels.begin(), row_of_pixels.begin() + size.width);
    }
    return found;
}

Fusion::Fusion(const Noise &noise, bool told)
    : noise_(noise), told_(told), levels_(noise.planes()), changes_(noise.planes()) {
    for (std::size_t plane = 0; plane < noise.planes(); ++plane) {
        const bool falls = noise.slope[plane] < 0; // such a line stays at its highest
        const double floor = falls ? noise.variance(plane, noise.span_low) : noise.floor[plane];
        lines_.push_back({static_cast<float>(falls ? 0 : noise.slope[plane] * noise.power),
                          static_cast<float>(floor * noise.power),
                          static_cast<float>(std::max(noise.least(plane) * noise.power, kLeastNoise))});
    }
    const auto channels = static_cast<double>(noise.planes());
    const auto side = [](std::int64_t reach) { return (2 * reach + 1) * kFusionCell; };
    const double samples =
        left_of_mean(side(kEnergyReach), noise.beside * noise.beside, noise.below * noise.below) / channels;
    const double of_means = 1 + kSpread * std::sqrt(2 / channels);
    most_energy_ = static_cast<float>(1 + kSpread * std::sqrt(2 * samples));
    most_single_ = static_cast<float>(left_of_mean(side(0), noise.beside, noise.below) * of_means);
    most_near_ = static_cast<float>(left_of_mean(side(kNear), noise.beside, noise.below) * of_means);
    left_of_part_ = left_of_mean(kPart * kFusionCell, noise.beside, noise.below);
}

std::vector<Clipping> Fusion::clipping(double strength) const {
    std::vector<Clipping> found;
    for (const RisingLine &line : lines_) {
        if (is_clipped()) found.emplace_back(line.times(strength), noise_.end_low, noise_.end_high);
    }
    return found;
}

std::optional<Mean> Fusion::in_light_of(const float *noisy, const Mean &before, Size size, double strength) const {
    const std::vector<Clipping> clipped = clipping(strength);
    const std::vector<Light> light = change_of_light(before.planes.data(), noisy, size, noise_, clipped);
    if (std::all_of(light.begin(), light.end(), [](const Light &one) { return one.is_same(); })) return std::nullopt;
    return before.relit(light, size, clipped);
}

void Fusion::operator()(const Mean &before, Mean &frame, Size size, double strength, const Mask *fresh) {
    const Cells cells = {cells_of(size.height), cells_of(size.width)};
    const auto count = static_cast<std::size_t>(cells.rows * cells.columns);
    for (std::vector<float> *values : {&squares_, &energy_, &weight_, &frame.variance}) values->resize(count);
    for (std::vector<std::vector<float>> *of_channels : {&levels_, &changes_}) {
        for (std::vector<float> &values : *of_channels) values.resize(count);
    }
    now_.clear();
    for (const RisingLine &line : lines_) now_.push_back(line.times(strength));
    measure_changes(before, frame, size);
    follow_parts(cells);
    weigh(before, cells);
    const float of_both = shared(before.variance, cells);
    for (std::size_t i = 0; i < count; ++i) {
        const float weight = weight_[i];
        frame.variance[i] = std::min(weight + 2 * weight * (1 - weight) * of_both, 1.0F);
    }
    for (std::int64_t i = 0; fresh && i < size.height * size.width; ++i) {
        const std::int64_t cell = i / size.width / kFusionCell * cells.columns + i % size.width / kFusionCell;
        if ((*fresh)[i]) frame.variance[static_cast<std::size_t>(cell)] = 1;
    }
    frame_.clear();
    if (is_clipped() && !told_ && is_weak(frame.variance, cells)) frame_ = frame.planes;
    apply(before, frame, size, fresh);
    if (is_clipped()) find_levels(frame);
}

std::vector<float> Fusion::in_light(const Mean &mean, Size size) const {
    if (!frame_.empty() && !mean.levels.empty()) return frame_;
    std::vector<float> planes = mean.planes, added(mean.variance.size()), of_row;
    if (!is_clipped()) return planes;
    // Interpolation along motion goes beyond the ends, too.
    const auto low = static_cast<float>(noise_.end_low), high = static_cast<float>(noise_.end_high);
    const auto clamp = [&] {
        for (float &value : planes) value = std::clamp(value, low, high);
    };
    if (!told_) clamp(); // only normal noise is told from clipped noise
    const std::int64_t pixels = size.height * size.width;
    for (std::int64_t channel = 0; channel < size.channels && !mean.levels.empty(); ++channel) {
        const float *const levels = mean.levels.data() + static_cast<std::size_t>(channel) * added.size();
        const Clipping clipped(now_[static_cast<std::size_t>(channel)], noise_.end_low, noise_.end_high);
        bool any = false;
        for (std::size_t i = 0; i < added.size(); ++i) {
            added[i] = clipped.rise(levels[i]) * std::min(kWhole * (1 - mean.variance[i]), 1.0F);
            any = any || added[i] != 0;
        }
        for (std::int64_t row = 0; any && row < size.height; ++row) {
            at_pixels(added, size, row, of_row);
            float *const line = planes.data() + channel * pixels + row * size.width;
            for (std::int64_t i = 0; i < size.width; ++i) line[i] -= of_row[static_cast<std::size_t>(i)];
        }
    }
    if (told_) clamp();
    return planes;
}

// As the mean change of each cell was weighed, which is nearly the mean of its pixels.
void Fusion::find_levels(Mean &mean) const {
    mean.levels.clear();
    for (std::size_t channel = 0; channel < levels_.size(); ++channel) {
        for (std::size_t i = 0; i < weight_.size(); ++i) {
            const float before = levels_[channel][i];
            const float change = changes_[channel][i] * now_[channel].deviation(before);
            const float more = brighter_.empty() ? 0.0F : brighter_[channel][i];
            mean.levels.push_back(before + weight_[i] * change + more);
        }
    }
}

void Fusion::measure_changes(const Mean &before, const Mean &frame, Size size) {
    const std::int64_t rows = cells_of(size.height), columns = cells_of(size.width);
    const float share = 1 / static_cast<float>(size.channels);
    std::fill(squares_.begin(), squares_.end(), 0.0F);
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            // An odd side is continued.
            const std::int64_t upper = (channel * size.height + 2 * row) * size.width;
            const std::int64_t lower = 2 * row + 1 < size.height ? upper + size.width : upper;
            measure_row({before.planes.data() + upper, before.planes.data() + lower},
                        {frame.planes.data() + upper, frame.planes.data() + lower}, size.width,
                        now_[static_cast<std::size_t>(channel)], share,
                        levels_[static_cast<std::size_t>(channel)].data() + row * columns,
                        changes_[static_cast<std::size_t>(channel)].data() + row * columns,
                        squares_.data() + row * columns);
        }
    }
}

// What became brighter in parts is taken from the changes.
void Fusion::follow_parts(Cells cells) {
    brighter_ = change_of_parts(changes_, cells.rows, cells.columns, left_of_part_);
    for (std::size_t channel = 0; channel < brighter_.size(); ++channel) {
        std::vector<float> &brighter = brighter_[channel], &changes = changes_[channel];
        const float share = 1 / static_cast<float>(brighter_.size());
        for (std::size_t i = 0; i < brighter.size(); ++i) {
            squares_[i] += brighter[i] * (brighter[i] - 2 * changes[i]) * share;
            changes[i] -= brighter[i];
            brighter[i] *= now_[channel].deviation(levels_[channel][i]);
        }
    }
}

void Fusion::weigh(const Mean &before, Cells cells) {
    const std::int64_t columns = cells.columns;
    const float near_cells = (2 * kNear + 1) * (2 * kNear + 1);
    const float energy_cells = (2 * kEnergyReach + 1) * (2 * kEnergyReach + 1);
    const float channels = static_cast<float>(changes_.size());
    std::vector<float> sums, single(static_cast<std::size_t>(columns)), near(single.size());
    for (std::int64_t row = 0; row < cells.rows; ++row) {
        float *const energy = energy_.data() + row * columns;
        sum_of_rows(squares_, cells.rows, columns, row, kEnergyReach, sums);
        for (std::int64_t i = 0; i < columns; ++i) {
            energy[i] = (sums[static_cast<std::size_t>(i)] + sums[static_cast<std::size_t>(i + 1)] +
                         sums[static_cast<std::size_t>(i + 2)] + sums[static_cast<std::size_t>(i + 3)] +
                         sums[static_cast<std::size_t>(i + 4)]) /
                        energy_cells;
        }
        std::fill(single.begin(), single.end(), 0.0F);
        std::fill(near.begin(), near.end(), 0.0F);
        for (const std::vector<float> &changes : changes_) {
            const float *const own = changes.data() + row * columns;
            sum_of_rows(changes, cells.rows, columns, row, kNear, sums);
            for (std::size_t i = 0; i < single.size(); ++i) {
                const float mean = (sums[i] + sums[i + 1] + sums[i + 2]) / near_cells;
                single[i] += own[i] * own[i] / channels;
                near[i] += mean * mean / channels;
            }
        }
        const float *const was = before.variance.data() + row * columns;
        const float *const doubt = before.doubt.empty() ? nullptr : before.doubt.data() + row * columns;
        float *const weight = weight_.data() + row * columns;
        for (std::size_t i = 0; i < single.size(); ++i) {
            const float variance = was[i] + kDrift, both = 1 + variance, prior = doubt ? variance + doubt[i] : variance;
            float error = std::max(energy[i] - most_energy_ * both, 0.0F);
            error = std::max(error, single[i] - most_single_ * both);
            error = std::max(error, near[i] - most_near_ * both);
            weight[i] = error < kFarthest ? 1 - 1 / (1 + prior + kExcess * error) : 1;
        }
    }
}

// Whether clipping changes the noise of a cell.
bool Fusion::is_clipped(std::size_t channel, std::size_t cell) const {
    const float level = levels_[channel][cell], reach = kClipped * now_[channel].deviation(level);
    return std::abs(level - static_cast<float>(noise_.end_low)) < reach ||
           std::abs(level - static_cast<float>(noise_.end_high)) < reach;
}

// Whether it leaves the noise what it is in the square of cells whose energy is judged.
bool Fusion::is_whole(std::int64_t row, std::int64_t column, Cells cells) const {
    for (std::int64_t y = row - kEnergyReach; y <= row + kEnergyReach; y += kBetween) {
        for (std::int64_t x = column - kEnergyReach; x <= column + kEnergyReach; x += kBetween) {
            if (y < 0 || y >= cells.rows || x < 0 || x >= cells.columns) continue;
            for (std::size_t channel = 0; channel < levels_.size(); ++channel) {
                if (is_clipped(channel, static_cast<std::size_t>(y * cells.columns + x))) return false;
            }
        }
    }
    return true;
}

// Whether most of the frame is near an end of the range, and the mean there hardly less noisy than the frame.
bool Fusion::is_weak(const std::vector<float> &variance, Cells cells) const {
    double clipped = 0, looked_at = 0, sum = 0;
    for (std::int64_t row = 0; row < cells.rows; row += kEvery) {
        for (std::int64_t column = 0; column < cells.columns; column += kEvery) {
            const auto i = static_cast<std::size_t>(row * cells.columns + column);
            for (std::size_t channel = 0; channel < levels_.size(); ++channel) {
                const double one = is_clipped(channel, i) ? 1 : 0;
                looked_at += 1;
                clipped += one;
                sum += one * static_cast<double>(variance[i]);
            }
        }
    }
    return clipped >= kMostly * looked_at && sum > kWeak * clipped;
}

// Covariance of the frame's noise with that of the mean, in units of a frame's variance.
float Fusion::shared(const std::vector<float> &variance, Cells cells) const {
    std::vector<double> change;
    for (std::int64_t row = 0; row < cells.rows; row += kEvery) {
        for (std::int64_t column = 0; column < cells.columns; column += kEvery) {
            const auto i = static_cast<std::size_t>(row * cells.columns + column);
            if (is_whole(row, column, cells)) change.push_back(energy_[i] / (1 + variance[i] + kDrift));
        }
    }
    if (change.empty()) return 0;
    const auto share = static_cast<float>(quantile(change, 0.25));
    if (share > kRepeated) return 0;
    double sum = 0;
    for (const float value : variance) sum += static_cast<double>(value + kDrift);
    return (1 - share) * (1 + static_cast<float>(sum / static_cast<double>(variance.size()))) / 2;
}

void Fusion::apply(const Mean &before, Mean &frame, Size size, const Mask *fresh) const {
    const std::int64_t columns = cells_of(size.width);
    std::vector<float> weight, brighter(static_cast<std::size_t>(kFusionCell * columns), 0.0F);
    for (std::int64_t row = 0; row < size.height; ++row) {
        at_pixels(weight_, size, row, weight);
        if (fresh) {
            for (std::int64_t column = 0; column < size.width; ++column) {
                if (!(*fresh)[row * size.width + column]) continue;
                weight[static_cast<std::size_t>(column)] = 1;
            }
        }
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            const std::int64_t at = (channel * size.height + row) * size.width;
            const float *const mean = before.planes.data() + at;
            float *const planes = frame.planes.data() + at;
            const float *const of_frame = weight.data(), *const more = brighter.data();
            if (!brighter_.empty()) at_pixels(brighter_[static_cast<std::size_t>(channel)], size, row, brighter);
            for (std::int64_t i = 0; i < size.width; ++i) {
                const float before_it = mean[i] + more[i];
                // What is added to a value that is far away is lost in rounding.
                planes[i] = of_frame[i] == 1 ? planes[i] : before_it + of_frame[i] * (planes[i] - before_it);
            }
        }
    }
}

} // namespace zsn2m::core
