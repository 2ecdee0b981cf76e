#include "light.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "statistics.h"
#include "tiles.h"

namespace zsn2m::core {
namespace {

// As in light.py, where each is explained; docs/decisions/light.md measured them.
constexpr std::size_t kFewest = 32;
constexpr double kClear = 10;
constexpr double kLit = 0.1;
constexpr double kSure = 4;
constexpr double kMost = 2;
constexpr int kRounds = 4;
constexpr double kOfMedian = 1.4826;
constexpr std::int64_t kNear = 3;
constexpr double kOfNear = 0.166;
constexpr float kMostOfPart = 1;

using Doubles = std::vector<double>;
using Values = std::vector<float>;

// Mean of each tile of a channel; `part` has the channel's rows and columns.
Doubles levels_of(const float *part, std::int64_t height, std::int64_t width) {
    Doubles levels;
    for (std::int64_t row = 0; row < height; row += kTile) {
        for (std::int64_t column = 0; column < width; column += kTile) {
            double sum = 0;
            for (std::int64_t i = 0; i < kTile * kTile; ++i) {
                sum += static_cast<double>(part[(row + i / kTile) * width + column + i % kTile]);
            }
            levels.push_back(sum / (kTile * kTile));
        }
    }
    return levels;
}

double median_size(Doubles values) {
    for (double &value : values) value = std::abs(value);
    return median(values);
}

double weighted_mean(const Doubles &weights, const Doubles &values, double total) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
    return sum / total;
}

// Levels that tiles have, one after the other, in two pictures.
struct Levels {
    Doubles was, now;
};

Levels chosen(const Levels &levels, const std::vector<bool> &tiles) {
    Levels found;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        if (!tiles[i]) continue;
        found.was.push_back(levels.was[i]);
        found.now.push_back(levels.now[i]);
    }
    return found;
}

// What they are without what clipping added, of those that have light.
Levels in_light(const Levels &levels, const Noise &noise, const Clipping &clipping) {
    const auto light = [&](double level) {
        return level - static_cast<double>(clipping.rise(static_cast<float>(level)));
    };
    Levels found;
    for (std::size_t i = 0; i < levels.was.size(); ++i) {
        const double was = light(levels.was[i]);
        const auto pinned = [&](double end) { return std::abs(was - end) <= kLit * std::abs(levels.was[i] - end); };
        if ((std::isfinite(noise.end_low) && pinned(noise.end_low)) ||
            (std::isfinite(noise.end_high) && pinned(noise.end_high))) {
            continue;
        }
        found.was.push_back(was);
        found.now.push_back(light(levels.now[i]));
    }
    return found;
}

// By least squares that are reweighted by Cauchy's function. clear: times the variance of what the line leaves that the
// values must have.
Light line(const Doubles &was, const Doubles &now, double clear) {
    const std::size_t count = was.size();
    Doubles changes(count), rest(count), weights(count);
    for (std::size_t i = 0; i < count; ++i) changes[i] = now[i] - was[i];
    Doubles sorted = changes;
    double change = median(sorted), slope = 0, middle = 0, spread = 0, total = 0;
    for (std::size_t i = 0; i < count; ++i) rest[i] = changes[i] - change;
    for (int round = 0; round < kRounds; ++round) {
        const double scale = kOfMedian * median_size(rest) + std::numeric_limits<double>::min();
        total = 0;
        for (std::size_t i = 0; i < count; ++i) {
            weights[i] = 1 / (1 + rest[i] / scale * (rest[i] / scale));
            total += weights[i];
        }
        middle = weighted_mean(weights, was, total);
        change = weighted_mean(weights, changes, total);
        spread = 0;
        double product = 0;
        for (std::size_t i = 0; i < count; ++i) {
            spread += weights[i] * (was[i] - middle) * (was[i] - middle);
            product += weights[i] * (was[i] - middle) * changes[i];
        }
        slope = spread > 0 ? product / spread : 0;
        for (std::size_t i = 0; i < count; ++i) rest[i] = changes[i] - change - slope * (was[i] - middle);
    }
    double squares = 0;
    for (std::size_t i = 0; i < count; ++i) squares += weights[i] * rest[i] * rest[i];
    const double sure = kSure * std::sqrt(squares / total);
    if (std::abs(change) * std::sqrt(total) <= sure && std::abs(slope) * std::sqrt(spread) <= sure) return {};
    if (!(1 / kMost < 1 + slope && 1 + slope < kMost) || spread < clear * squares) return {};
    return {static_cast<float>(1 + slope), static_cast<float>(change - slope * middle)};
}

// Mean of each whole square of kPart cells.
Values squares_of(const Values &cells, std::int64_t columns, std::int64_t down, std::int64_t along) {
    Values squares(static_cast<std::size_t>(down * along), 0.0F);
    for (std::int64_t row = 0; row < down * kPart; ++row) {
        for (std::int64_t column = 0; column < along * kPart; ++column) {
            squares[static_cast<std::size_t>(row / kPart * along + column / kPart)] +=
                cells[static_cast<std::size_t>(row * columns + column)] / (kPart * kPart);
        }
    }
    return squares;
}

// Median of each square and those about it, the outermost repeated.
Values medians_of(const Values &squares, std::int64_t down, std::int64_t along) {
    constexpr std::int64_t reach = kNear / 2;
    Values medians, near;
    for (std::int64_t row = 0; row < down; ++row) {
        for (std::int64_t column = 0; column < along; ++column) {
            near.clear();
            for (std::int64_t y = row - reach; y <= row + reach; ++y) {
                for (std::int64_t x = column - reach; x <= column + reach; ++x) {
                    const std::int64_t at = std::clamp<std::int64_t>(y, 0, down - 1) * along;
                    near.push_back(squares[static_cast<std::size_t>(at + std::clamp<std::int64_t>(x, 0, along - 1))]);
                }
            }
            medians.push_back(median(near));
        }
    }
    return medians;
}

// The squares beside a cell of a row or column of them, and the share of the second.
struct Between {
    std::int64_t first, second;
    float share;
};

Between between(std::int64_t cell, std::int64_t squares) {
    const float place = std::max((static_cast<float>(cell) + 0.5F) / kPart - 0.5F, 0.0F);
    const auto first = std::min(static_cast<std::int64_t>(place), squares - 1);
    return {first, std::min(first + 1, squares - 1), place - static_cast<float>(first)};
}

// Values of squares at the cells, between squares linear; the outermost are continued.
Values at_cells(const Values &squares, std::int64_t down, std::int64_t along, std::int64_t rows, std::int64_t columns) {
    Values cells;
    cells.reserve(static_cast<std::size_t>(rows * columns));
    for (std::int64_t row = 0; row < rows; ++row) {
        const Between y = between(row, down);
        const float *const upper = squares.data() + y.first * along, *const lower = squares.data() + y.second * along;
        for (std::int64_t column = 0; column < columns; ++column) {
            const Between x = between(column, along);
            const float left = upper[x.first] + y.share * (lower[x.first] - upper[x.first]);
            const float right = upper[x.second] + y.share * (lower[x.second] - upper[x.second]);
            cells.push_back(left + x.share * (right - left));
        }
    }
    return cells;
}

} // namespace

std::vector<Light> change_of_light(const float *before, const float *noisy, Size size, const Noise &noise,
                                   const std::vector<Clipping> &clipping) {
    std::vector<Light> found(static_cast<std::size_t>(size.channels));
    if (std::min(size.height, size.width) < kTile) return found;
    const Part part = chosen_tiles(size);
    const std::vector<float> own = part_of(noisy, size, part), past = part_of(before, size, part);
    const std::vector<bool> whole = are_whole(own, part, noise);
    const auto height = static_cast<std::int64_t>(part.rows.size()),
               width = static_cast<std::int64_t>(part.columns.size());
    const bool enough = static_cast<std::size_t>(std::count(whole.begin(), whole.end(), true)) >= kFewest;
    if (!enough && clipping.empty()) return found;
    for (std::size_t channel = 0; channel < found.size(); ++channel) {
        const std::int64_t first = static_cast<std::int64_t>(channel) * height * width;
        const Levels all = {levels_of(past.data() + first, height, width), levels_of(own.data() + first, height, width)};
        const Levels levels = enough ? chosen(all, whole) : in_light(all, noise, clipping[channel]);
        if (levels.was.size() >= kFewest) found[channel] = line(levels.was, levels.now, enough ? 0 : kClear);
    }
    return found;
}

std::vector<Values> change_of_parts(const std::vector<Values> &changes, std::int64_t rows, std::int64_t columns,
                                    double left) {
    const std::int64_t down = rows / kPart, along = columns / kPart;
    if (!down || !along) return {};
    const auto channels = static_cast<float>(changes.size());
    std::vector<Values> near;
    Values power(static_cast<std::size_t>(down * along), 0.0F);
    for (const Values &cells : changes) {
        near.push_back(medians_of(squares_of(cells, columns, down, along), down, along));
        for (std::size_t i = 0; i < power.size(); ++i) power[i] += near.back()[i] * near.back()[i] / channels;
    }
    const auto least = static_cast<float>(kSure * kSure * kOfNear * 2 * left); // the mean has no more than the frame
    bool any = false;
    for (std::size_t i = 0; i < power.size(); ++i) {
        const bool sure = power[i] > least && power[i] < kMostOfPart * kMostOfPart;
        any = any || sure;
        for (Values &squares : near) squares[i] = sure ? squares[i] : 0;
    }
    if (!any) return {};
    for (Values &squares : near) squares = at_cells(squares, down, along, rows, columns);
    return near;
}

} // namespace zsn2m::core
