#include "constant.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "surroundings.h"

namespace zsn2m::core {
namespace {

constexpr std::int64_t kSide = 16; // pixels of the squares that areas are made of
constexpr std::int64_t kRun =
    32; // pixels of one value along the border: shifted or turned frames have lines thinner than a square
constexpr std::int64_t kShortest = 16; // pixels of a border of one value throughout, in frames smaller than kRun
constexpr double kFrequent = 0.75;     // share of the area's value beside it; above, such areas occur by chance
constexpr double kFrequentRun = 0.25;  // the same for lines: at 0.25 their chance is below 1e-9
constexpr double kRare = 0.1;          // share below which adjoining squares of 2 x 2 of the value belong to the area

template <typename Sample>
bool equal(const View<const Sample> &frame, std::int64_t one, std::int64_t other) {
    const std::int64_t width = frame.size.width;
    for (std::int64_t channel = 0; channel < frame.size.channels; ++channel) {
        const Sample sample = sample_at(frame, one / width, one % width, channel);
        if (sample != sample_at(frame, other / width, other % width, channel)) return false;
    }
    return true;
}

// Whether a square of kSide may be there: each contains an aligned square of half the side. Reads few pixels.
template <typename Sample>
bool has_square(const View<const Sample> &frame) {
    constexpr std::int64_t side = kSide / 2;
    const std::int64_t width = frame.size.width;
    const auto is_constant = [&](std::int64_t first) {
        for (const std::int64_t corner : {side - 1, (side - 1) * width, (side - 1) * width + side - 1}) {
            if (!equal(frame, first, first + corner)) return false;
        }
        for (std::int64_t i = 0; i < side * side; ++i) {
            if (!equal(frame, first, first + i / side * width + i % side)) return false;
        }
        return true;
    };
    for (std::int64_t row = 0; row + side <= frame.size.height; row += side) {
        for (std::int64_t column = 0; column + side <= width; column += side) {
            if (is_constant(row * width + column)) return true;
        }
    }
    return false;
}

// Whether a border has a run of one value that is long enough.
template <typename Sample>
bool has_run(const View<const Sample> &frame) {
    const std::int64_t height = frame.size.height, width = frame.size.width;
    for (const Lines &lines : {rows_of(height, width), columns_of(height, width)}) {
        for (const std::int64_t line : {std::int64_t{0}, lines.count - 1}) {
            std::int64_t run = 1, longest = 1;
            for (std::int64_t place = 1; place < lines.length; ++place) {
                run = equal(frame, lines.pixel(line, place - 1), lines.pixel(line, place)) ? run + 1 : 1;
                longest = std::max(longest, run);
            }
            if (longest >= kRun || (longest == lines.length && longest >= kShortest)) return true;
        }
    }
    return false;
}

template <typename Sample>
Alike alike_in(const View<const Sample> &frame) {
    const Size size = frame.size;
    Alike alike = {{size.height, size.width}, {size.height, size.width}};
    for (std::int64_t row = 0; row < size.height; ++row) {
        const bool is_last = row + 1 == size.height;
        std::uint8_t *beside = &alike.beside[row * size.width], *below = &alike.below[row * size.width];
        std::fill_n(beside, size.width - 1, std::uint8_t{1});
        if (!is_last) std::fill_n(below, size.width, std::uint8_t{1});
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            const Line<const Sample> here = line(frame, row, channel);
            for (std::int64_t column = 0; column + 1 < size.width; ++column)
                beside[column] &= here[column] == here[column + 1];
            if (is_last) continue;
            const Line<const Sample> next = line(frame, row + 1, channel);
            for (std::int64_t column = 0; column < size.width; ++column) below[column] &= here[column] == next[column];
        }
    }
    return alike;
}

// All pixels of squares of one value.
Mask squares(const Alike &alike) {
    Mask starts = all_from(alike.beside, {kSide, kSide - 1});
    const Mask down = all_from(alike.below, {kSide - 1, kSide});
    for (std::int64_t pixel = 0; pixel < starts.pixels(); ++pixel) starts[pixel] &= down[pixel];
    return any_to(std::move(starts), {kSide, kSide});
}

// Lines at one border that are wholly of its value, and long runs of one value in the outermost.
template <typename Sample>
void add_border(Mask &found, const View<const Sample> &frame, const Lines &lines, const Mask &alike, bool backwards) {
    const auto nth = [&](std::int64_t line) { return backwards ? lines.count - 1 - line : line; };
    const auto is_constant = [&](std::int64_t line) {
        for (std::int64_t place = 0; place + 1 < lines.length; ++place) {
            if (!alike[lines.pixel(line, place)]) return false;
        }
        return equal(frame, lines.pixel(line, 0), lines.pixel(nth(0), 0));
    };
    for (std::int64_t line = 0; lines.length >= kShortest && line < lines.count && is_constant(nth(line)); ++line) {
        for (std::int64_t place = 0; place < lines.length; ++place) found[lines.pixel(nth(line), place)] = 1;
    }
    for (std::int64_t first = 0, place = 0; place < lines.length; ++place) {
        if (alike[lines.pixel(nth(0), place)]) continue; // the run goes on
        const bool is_long = place + 1 - first >= kRun;
        for (; first <= place; ++first) found[lines.pixel(nth(0), first)] |= is_long;
    }
}

template <typename Sample>
Mask border_lines(const View<const Sample> &frame, const Alike &alike) {
    Mask found(frame.size.height, frame.size.width);
    for (const bool backwards : {false, true}) {
        add_border(found, frame, rows_of(found.height, found.width), alike.beside, backwards);
        add_border(found, frame, columns_of(found.height, found.width), alike.below, backwards);
    }
    return found;
}

void remove(Mask &mask, const Mask &others) {
    for (std::int64_t pixel = 0; pixel < mask.pixels(); ++pixel) mask[pixel] &= !others[pixel];
}

// Clear in a mask what is no padding, judging by what is beside it.
template <typename Sample>
void judge(Mask &mask, const View<const Sample> &frame, const Surroundings &surroundings, double frequent) {
    for (std::int64_t pixel = 0; pixel < mask.pixels(); ++pixel) {
        if (!mask[pixel]) continue;
        const auto seen = surroundings.seen.find(value_of(frame, pixel));
        if (seen == surroundings.seen.end()) continue; // nothing is beside it
        mask[pixel] = seen->second.bordered && seen->second.share <= frequent;
    }
}

// Add to a mask small squares of rare values that touch its rim: the ends of wedges.
void grow(Mask &found, const Surroundings &surroundings, const Alike &alike) {
    Mask small = all_from(alike.beside, {2, 1});
    const Mask down = all_from(alike.below, {1, 2});
    for (std::int64_t pixel = 0; pixel < small.pixels(); ++pixel) small[pixel] &= down[pixel];
    small = any_to(std::move(small), {2, 2});
    std::vector<std::int64_t> open;
    for (const Rim &rim : surroundings.rims) {
        if (found[rim.pixel] && surroundings.seen.at(rim.value).share <= kRare) open.push_back(rim.pixel);
    }
    const auto add = [&](std::int64_t pixel) {
        if (found[pixel] || !small[pixel]) return;
        found[pixel] = 1;
        open.push_back(pixel);
    };
    while (!open.empty()) {
        const std::int64_t pixel = open.back(), width = found.width;
        open.pop_back();
        if (alike.beside[pixel]) add(pixel + 1); // `beside` and `below` are 0 in the last column and row
        if (pixel > 0 && alike.beside[pixel - 1]) add(pixel - 1);
        if (alike.below[pixel]) add(pixel + width);
        if (pixel >= width && alike.below[pixel - width]) add(pixel - width);
    }
}

} // namespace

template <typename Sample>
std::optional<Mask> constant_areas(const View<const Sample> &frame, const Mask *given) {
    if (!has_square(frame) && !has_run(frame)) return std::nullopt;
    const Alike alike = alike_in(frame);
    Mask areas = squares(alike), lines = border_lines(frame, alike);
    if (given) {
        remove(areas, *given);
        remove(lines, *given);
    }
    Mask candidates = areas;
    for (std::int64_t pixel = 0; pixel < areas.pixels(); ++pixel) candidates[pixel] |= lines[pixel];
    if (!candidates.any()) return std::nullopt;
    Mask blocked = candidates;
    for (std::int64_t pixel = 0; given && pixel < blocked.pixels(); ++pixel) blocked[pixel] |= (*given)[pixel];
    const Surroundings surroundings = look_beside(frame, candidates, blocked, alike);

    judge(areas, frame, surroundings, kFrequent);
    judge(lines, frame, surroundings, kFrequentRun);
    for (std::int64_t pixel = 0; pixel < areas.pixels(); ++pixel) areas[pixel] |= lines[pixel];
    if (!areas.any()) return std::nullopt;
    grow(areas, surroundings, alike);
    return areas;
}

template std::optional<Mask> constant_areas(const View<const std::uint8_t> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const std::uint16_t> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const float> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const std::int16_t> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const std::uint32_t> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const std::int32_t> &, const Mask *);
template std::optional<Mask> constant_areas(const View<const double> &, const Mask *);

} // namespace zsn2m::core
