#include "blank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "constant.h"

namespace zsn2m::core {
namespace {

// Pixels that are not finite; nothing where all are finite.
template <typename Sample>
std::optional<Mask> unknown(const View<const Sample> &frame) {
    std::optional<Mask> found;
    if constexpr (std::is_floating_point_v<Sample>) {
        for (std::int64_t row = 0; row < frame.size.height; ++row) {
            for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
                const Line<const Sample> samples = line(frame, row, channel);
                for (std::int64_t column = 0; column < frame.size.width; ++column) {
                    if (std::isfinite(samples[column])) continue;
                    if (!found) found.emplace(frame.size.height, frame.size.width);
                    (*found)[row * frame.size.width + column] = 1;
                }
            }
        }
    }
    return found;
}

// The pixel that each blank pixel is filled from. A rim is the nearest pixel on one side that is not blank.
struct Sources {
    std::vector<std::int64_t> pixels; // -1: no rim in its row or column
    std::vector<std::int64_t> away;   // distance to the rim
};

// Take nearer rims: those before each place along the lines, or those after it.
void look_along(Sources &sources, const Mask &blank, const Lines &lines, bool backwards) {
    for (std::int64_t line = 0; line < lines.count; ++line) {
        const auto pixel = [&](std::int64_t place) {
            return lines.pixel(line, backwards ? lines.length - 1 - place : place);
        };
        std::int64_t rim = -1;
        for (std::int64_t place = 0; place < lines.length; ++place) {
            const std::int64_t hole = pixel(place), mirrored = 2 * rim - place + 1;
            if (!blank[hole]) rim = place;
            const auto index = static_cast<std::size_t>(hole);
            if (!blank[hole] || rim < 0 || place - rim >= sources.away[index]) continue;
            sources.away[index] = place - rim;
            sources.pixels[index] = mirrored >= 0 && !blank[pixel(mirrored)] ? pixel(mirrored) : pixel(rim);
        }
    }
}

// Fill blank pixels that have a rim in their row or column; the others stay blank.
template <typename Sample>
void fill_once(std::vector<Sample> &samples, std::int64_t channels, Mask &blank) {
    const auto count = blank.flags.size();
    Sources sources = {std::vector<std::int64_t>(count, -1),
                       std::vector<std::int64_t>(count, std::numeric_limits<std::int64_t>::max())};
    for (const Lines &lines : {rows_of(blank.height, blank.width), columns_of(blank.height, blank.width)}) {
        for (const bool backwards : {false, true}) look_along(sources, blank, lines, backwards);
    }
    for (std::int64_t pixel = 0; pixel < blank.pixels(); ++pixel) {
        const std::int64_t source = sources.pixels[static_cast<std::size_t>(pixel)];
        if (source < 0) continue;
        for (std::int64_t channel = 0; channel < channels; ++channel) {
            samples[static_cast<std::size_t>(pixel * channels + channel)] =
                samples[static_cast<std::size_t>(source * channels + channel)];
        }
        blank[pixel] = 0; // sources were chosen before: none of them is blank
    }
}

constexpr std::int64_t kCell = 2; // pixels after which a mosaic's filters repeat

// Rows and columns of cells; channels are the pixels of a cell, row by row.
Size cells_in(Size mosaic) {
    return {(mosaic.height + kCell - 1) / kCell, (mosaic.width + kCell - 1) / kCell, kCell * kCell};
}

// A place of a line, or, just beyond its end, the last one with the same filter.
std::int64_t continued(std::int64_t place, std::int64_t length) {
    return place < length ? place : std::max<std::int64_t>(length - 2, 0);
}

template <typename Sample>
std::vector<Sample> cells_of(const View<const Sample> &mosaic) {
    const Size size = cells_in(mosaic.size);
    std::vector<Sample> cells;
    cells.reserve(static_cast<std::size_t>(size.height * size.width * size.channels));
    for (std::int64_t cell = 0; cell < size.height * size.width; ++cell) {
        for (std::int64_t place = 0; place < size.channels; ++place) {
            const std::int64_t row = kCell * (cell / size.width) + place / kCell;
            const std::int64_t column = kCell * (cell % size.width) + place % kCell;
            cells.push_back(sample_at(mosaic, continued(row, mosaic.size.height),
                                      continued(column, mosaic.size.width), 0));
        }
    }
    return cells;
}

} // namespace

template <typename Sample>
std::optional<Mask> blank_areas(const View<const Sample> &frame) {
    std::optional<Mask> hidden = unknown(frame);
    std::optional<Mask> constant = constant_areas(frame, hidden ? &*hidden : nullptr);
    if (!hidden || !constant) return hidden ? hidden : constant;
    for (std::int64_t pixel = 0; pixel < hidden->pixels(); ++pixel) (*hidden)[pixel] |= (*constant)[pixel];
    return hidden;
}

template <typename Sample>
std::vector<Sample> filled(const View<const Sample> &frame, Mask blank) {
    std::vector<Sample> samples = samples_of(frame, Mask(frame.size.height, frame.size.width, 1));
    while (blank.any()) fill_once(samples, frame.size.channels, blank);
    return samples;
}

template <typename Sample>
std::optional<Mask> blank_cells(const View<const Sample> &mosaic) {
    const std::vector<Sample> cells = cells_of(mosaic);
    const std::optional<Mask> blank = blank_areas(packed(cells, cells_in(mosaic.size)));
    if (!blank) return std::nullopt;
    Mask pixels(mosaic.size.height, mosaic.size.width);
    for (std::int64_t pixel = 0; pixel < pixels.pixels(); ++pixel) {
        const std::int64_t row = pixel / pixels.width / kCell, column = pixel % pixels.width / kCell;
        pixels[pixel] = (*blank)[row * blank->width + column];
    }
    return pixels;
}

template <typename Sample>
std::vector<Sample> with_filled_cells(const View<const Sample> &mosaic, const Mask &blank) {
    const Size size = cells_in(mosaic.size);
    Mask of_cells(size.height, size.width);
    for (std::int64_t cell = 0; cell < of_cells.pixels(); ++cell)
        of_cells[cell] = blank[kCell * (cell / size.width) * blank.width + kCell * (cell % size.width)];
    const std::vector<Sample> cells = cells_of(mosaic);
    const std::vector<Sample> scene = filled(packed(cells, size), of_cells);
    std::vector<Sample> samples;
    samples.reserve(blank.flags.size());
    for (std::int64_t pixel = 0; pixel < blank.pixels(); ++pixel) {
        const std::int64_t row = pixel / blank.width, column = pixel % blank.width;
        const std::int64_t cell = row / kCell * size.width + column / kCell;
        const std::int64_t place = row % kCell * kCell + column % kCell;
        samples.push_back(scene[static_cast<std::size_t>(cell * size.channels + place)]);
    }
    return samples;
}

template <typename Sample>
std::vector<Sample> samples_of(const View<const Sample> &frame, const Mask &mask) {
    std::vector<Sample> samples;
    const auto pixels = std::count(mask.flags.begin(), mask.flags.end(), 1);
    samples.reserve(static_cast<std::size_t>(pixels * frame.size.channels));
    for (std::int64_t pixel = 0; pixel < mask.pixels(); ++pixel) {
        for (std::int64_t channel = 0; mask[pixel] && channel < frame.size.channels; ++channel)
            samples.push_back(sample_at(frame, pixel / mask.width, pixel % mask.width, channel));
    }
    return samples;
}

template <typename Sample>
void put_back(const std::vector<Sample> &samples, const Mask &mask, const View<Sample> &frame) {
    auto next = samples.begin();
    for (std::int64_t pixel = 0; pixel < mask.pixels(); ++pixel) {
        for (std::int64_t channel = 0; mask[pixel] && channel < frame.size.channels; ++channel)
            sample_at(frame, pixel / mask.width, pixel % mask.width, channel) = *next++;
    }
}

template std::optional<Mask> blank_areas(const View<const std::uint8_t> &);
template std::optional<Mask> blank_areas(const View<const std::uint16_t> &);
template std::optional<Mask> blank_areas(const View<const float> &);
template std::optional<Mask> blank_areas(const View<const std::int16_t> &);
template std::optional<Mask> blank_areas(const View<const std::uint32_t> &);
template std::optional<Mask> blank_areas(const View<const std::int32_t> &);
template std::optional<Mask> blank_areas(const View<const double> &);
template std::optional<Mask> blank_cells(const View<const std::uint8_t> &);
template std::optional<Mask> blank_cells(const View<const std::uint16_t> &);
template std::optional<Mask> blank_cells(const View<const float> &);
template std::optional<Mask> blank_cells(const View<const std::int16_t> &);
template std::optional<Mask> blank_cells(const View<const std::uint32_t> &);
template std::optional<Mask> blank_cells(const View<const std::int32_t> &);
template std::optional<Mask> blank_cells(const View<const double> &);
template std::vector<std::uint8_t> with_filled_cells(const View<const std::uint8_t> &, const Mask &);
template std::vector<std::uint16_t> with_filled_cells(const View<const std::uint16_t> &, const Mask &);
template std::vector<float> with_filled_cells(const View<const float> &, const Mask &);
template std::vector<std::int16_t> with_filled_cells(const View<const std::int16_t> &, const Mask &);
template std::vector<std::uint32_t> with_filled_cells(const View<const std::uint32_t> &, const Mask &);
template std::vector<std::int32_t> with_filled_cells(const View<const std::int32_t> &, const Mask &);
template std::vector<double> with_filled_cells(const View<const double> &, const Mask &);
template std::vector<std::uint8_t> filled(const View<const std::uint8_t> &, Mask);
template std::vector<std::uint16_t> filled(const View<const std::uint16_t> &, Mask);
template std::vector<float> filled(const View<const float> &, Mask);
template std::vector<std::int16_t> filled(const View<const std::int16_t> &, Mask);
template std::vector<std::uint32_t> filled(const View<const std::uint32_t> &, Mask);
template std::vector<std::int32_t> filled(const View<const std::int32_t> &, Mask);
template std::vector<double> filled(const View<const double> &, Mask);
template std::vector<std::uint8_t> samples_of(const View<const std::uint8_t> &, const Mask &);
template std::vector<std::uint16_t> samples_of(const View<const std::uint16_t> &, const Mask &);
template std::vector<float> samples_of(const View<const float> &, const Mask &);
template std::vector<std::int16_t> samples_of(const View<const std::int16_t> &, const Mask &);
template std::vector<std::uint32_t> samples_of(const View<const std::uint32_t> &, const Mask &);
template std::vector<std::int32_t> samples_of(const View<const std::int32_t> &, const Mask &);
template std::vector<double> samples_of(const View<const double> &, const Mask &);
template void put_back(const std::vector<std::uint8_t> &, const Mask &, const View<std::uint8_t> &);
template void put_back(const std::vector<std::uint16_t> &, const Mask &, const View<std::uint16_t> &);
template void put_back(const std::vector<float> &, const Mask &, const View<float> &);
template void put_back(const std::vector<std::int16_t> &, const Mask &, const View<std::int16_t> &);
template void put_back(const std::vector<std::uint32_t> &, const Mask &, const View<std::uint32_t> &);
template void put_back(const std::vector<std::int32_t> &, const Mask &, const View<std::int32_t> &);
template void put_back(const std::vector<double> &, const Mask &, const View<double> &);

} // namespace zsn2m::core
