#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "blank.h"

using namespace zsn2m::core;

namespace {

constexpr Size kGrey = {96, 112, 1}, kColour = {96, 112, 3};

using Where = std::function<bool(std::int64_t row, std::int64_t column)>;

// Packed samples drawn one after the other.
template <typename Sample, typename Draw>
std::vector<Sample> drawn(Size size, Draw draw) {
    std::vector<Sample> samples;
    for (std::int64_t row = 0; row < size.height; ++row) {
        for (std::int64_t column = 0; column < size.width; ++column) {
            for (std::int64_t channel = 0; channel < size.channels; ++channel)
                samples.push_back(static_cast<Sample>(draw(row, column)));
        }
    }
    return samples;
}

// A scene of a disc on a ramp, with noise; values of 100 to 500 for wide types.
template <typename Sample>
std::vector<Sample> noisy(Size size, double unit = 1, double sigma = 10) {
    std::mt19937 generator(1000);
    std::normal_distribution<double> noise(0, sigma);
    return drawn<Sample>(size, [&](std::int64_t row, std::int64_t column) {
        const double disc = std::hypot(row - 40, column - 60) < 25 ? 40 : 0;
        return unit * (100 + disc + static_cast<double>(column) / 4 + noise(generator));
    });
}

template <typename Sample>
void set(std::vector<Sample> &samples, Size size, Sample value, const Where &where) {
    for (std::int64_t pixel = 0; pixel < size.height * size.width; ++pixel) {
        if (!where(pixel / size.width, pixel % size.width)) continue;
        for (std::int64_t channel = 0; channel < size.channels; ++channel)
            samples[static_cast<std::size_t>(pixel * size.channels + channel)] = value;
    }
}

template <typename Sample>
std::optional<Mask> found_in(const std::vector<Sample> &samples, Size size) {
    return blank_areas(packed(samples, size));
}

struct Found {
    std::int64_t missed = 0; // pixels
    std::int64_t more = 0;
};

Found compare(const std::optional<Mask> &mask, Size size, const Where &where) {
    Found found;
    for (std::int64_t pixel = 0; pixel < size.height * size.width; ++pixel) {
        const bool expected = where(pixel / size.width, pixel % size.width), is = mask && (*mask)[pixel];
        found.missed += expected && !is;
        found.more += is && !expected;
    }
    return found;
}

struct Area {
    const char *name;
    Where where;
};
const Area kAreas[] = {
    {"bars", [](std::int64_t row, std::int64_t) { return row < 16 || row >= 80; }},
    {"square",
     [](std::int64_t row, std::int64_t column) { return row >= 30 && row < 46 && column >= 50 && column < 66; }},
    {"frame",
     [](std::int64_t row, std::int64_t column) { return row < 20 || row >= 80 || column < 17 || column >= 90; }},
    {"corner", [](std::int64_t row, std::int64_t column) { return row >= 60 && column >= 70; }},
    {"shift", [](std::int64_t row, std::int64_t column) { return row < 3 || column >= 107; }},
    {"first row", [](std::int64_t row, std::int64_t) { return row == 0; }},
    {"last column", [](std::int64_t, std::int64_t column) { return column == 111; }},
    {"part of a border",
     [](std::int64_t row, std::int64_t column) { return row == 95 && column >= 30 && column < 70; }},
};

template <typename Sample>
void check_areas(Size size, double unit, std::initializer_list<Sample> values) {
    for (const Area &area : kAreas) {
        for (const Sample value : values) {
            INFO(area.name, " of ", static_cast<double>(value));
            auto frame = noisy<Sample>(size, unit);
            set(frame, size, value, area.where);
            const Found found = compare(found_in(frame, size), size, area.where);
            CHECK(found.missed == 0);
            CHECK(found.more <= 4); // beside it the value occurs by chance
        }
    }
}

template <typename Sample>
void check_nothing_found(Size size, const std::function<double(std::int64_t row, std::int64_t column)> &draw) {
    CHECK(!found_in(drawn<Sample>(size, draw), size));
}

} // namespace

TEST_CASE("padding of any value is found") {
    check_areas<std::uint8_t>(kGrey, 1, {0, 120, 255});
    check_areas<std::uint8_t>(kColour, 1, {0, 120, 255});
    check_areas<std::uint16_t>(kGrey, 10, {0, 1200, 65535});
    check_areas<std::int16_t>(kGrey, -10, {0, -1200, -32768});
    check_areas<std::uint32_t>(kGrey, 1e6, {0, 4294967295U});
    check_areas<std::int32_t>(kGrey, 1000, {-5, 120000});
    check_areas<float>(kColour, 0.01, {-0.0F, 0.5F});
    check_areas<double>(kGrey, 0.01, {0.0, 1.2});
}

TEST_CASE("areas of several values that touch are found") {
    auto frame = noisy<std::uint16_t>(kColour, 10);
    const Where top = [](std::int64_t row, std::int64_t) { return row < 16; };
    const Where beside = [](std::int64_t row, std::int64_t column) { return row >= 16 && row < 32 && column < 56; };
    const Where hole = [](std::int64_t row, std::int64_t column) {
        return row >= 60 && row < 80 && column >= 40 && column < 60;
    };
    set<std::uint16_t>(frame, kColour, 0, top);
    set<std::uint16_t>(frame, kColour, 900, beside);
    set<std::uint16_t>(frame, kColour, 4095, hole);
    const Found found = compare(found_in(frame, kColour), kColour, [&](std::int64_t row, std::int64_t column) {
        return top(row, column) || beside(row, column) || hole(row, column);
    });
    CHECK(found.missed == 0);
    CHECK(found.more == 0);
}

TEST_CASE("wedges and what is around a disc are found") {
    const Where wedge = [](std::int64_t row, std::int64_t column) { return 4 * column + row < 90; };
    const Where outside = [](std::int64_t row, std::int64_t column) { return std::hypot(row - 48, column - 56) > 44; };
    for (const Where &where : {wedge, outside}) {
        auto frame = noisy<std::uint16_t>(kGrey, 10);
        set<std::uint16_t>(frame, kGrey, 350, where);
        const Found found = compare(found_in(frame, kGrey), kGrey, where);
        CHECK(found.missed == 0);
        CHECK(found.more == 0);
    }
}

TEST_CASE("zeros that are frequent are not blank") {
    for (const double photons : {0.02, 0.1, 0.3, 0.5}) {
        std::mt19937 generator(1000);
        const auto draw = [&](std::int64_t row, std::int64_t column) {
            const double scene =
                0.2 + (std::hypot(row - 60, column - 100) < 40 ? 2 : 0) + static_cast<double>(column) / 256;
            return static_cast<double>(std::poisson_distribution<int>(photons * scene)(generator));
        };
        check_nothing_found<std::uint16_t>({192, 256, 1}, draw);
        check_nothing_found<float>({192, 256, 1}, [&](auto row, auto column) { return 0.37 * draw(row, column); });
    }
}

TEST_CASE("smooth places and light that saturates are not blank") {
    std::mt19937 generator(1000);
    std::normal_distribution<double> noise(0, 1);
    for (const double sigma : {0.0, 0.05, 0.2, 0.5}) {
        check_nothing_found<std::uint8_t>({192, 256, 1}, [&](std::int64_t row, std::int64_t column) {
            const double scene =
                40 * std::sin(static_cast<double>(row) / 60) * std::cos(static_cast<double>(column) / 90);
            return std::nearbyint(100 + scene + sigma * noise(generator));
        });
    }
    for (const double sigma : {2.0, 8.0}) {
        check_nothing_found<std::uint8_t>({192, 256, 1}, [&](std::int64_t row, std::int64_t column) {
            const double lamp = 900 * std::exp(-std::pow(std::hypot(row - 90, column - 100), 2) / 2000);
            return std::min(255.0, std::nearbyint(60 + lamp + sigma * noise(generator)));
        });
    }
}

TEST_CASE("small noisy frames have no blank areas") {
    for (const Size size :
         {Size{1, 1, 3}, Size{1, 7, 3}, Size{7, 1, 1}, Size{15, 15, 3}, Size{3, 200, 1}, Size{17, 40, 3}})
        CHECK(!found_in(noisy<std::uint8_t>(size), size));
}

TEST_CASE("what is not finite is blank, in all channels of its pixel") {
    auto frame = noisy<float>(kColour);
    const auto index = [](std::int64_t row, std::int64_t column) {
        return static_cast<std::size_t>(3 * (row * 112 + column));
    };
    frame[index(3, 4) + 1] = std::nanf("");
    frame[index(7, 8)] = std::numeric_limits<float>::infinity();
    frame[index(9, 9) + 2] = -std::numeric_limits<float>::infinity();
    const Where bars = kAreas[0].where;
    for (const bool with_bars : {false, true}) {
        if (with_bars) set(frame, kColour, 0.0F, [&](auto row, auto column) { return row >= 80 && bars(row, column); });
        const Found found = compare(found_in(frame, kColour), kColour, [&](std::int64_t row, std::int64_t column) {
            return (row == 3 && column == 4) || (row == 7 && column == 8) || (row == 9 && column == 9) ||
                   (with_bars && row >= 80);
        });
        CHECK(found.missed == 0);
        CHECK(found.more == 0);
    }
}

TEST_CASE("a frame of one value is blank, one that is too small for squares and borders is not") {
    const auto mask = found_in(std::vector<std::uint8_t>(40 * 50 * 3, 7), {40, 50, 3});
    REQUIRE(mask);
    CHECK(mask->all());
    CHECK(!found_in(std::vector<std::uint8_t>(15 * 15, 7), {15, 15, 1}));
}

TEST_CASE("filling mirrors at the nearest rim, the first of equally near ones") {
    const Size size = {1, 7, 1};
    Mask blank(1, 7);
    blank[2] = blank[3] = blank[4] = 1;
    const std::vector<std::uint8_t> frame = {1, 2, 99, 99, 99, 5, 6};
    CHECK(filled(packed(frame, size), blank) == std::vector<std::uint8_t>{1, 2, 2, 1, 5, 5, 6});
    blank[0] = 1; // no mirror image is there: the rim itself
    CHECK(filled(packed(frame, size), blank) == std::vector<std::uint8_t>{2, 2, 2, 2, 5, 5, 6});
}

TEST_CASE("filling goes on from what is filled where a row and a column are all blank") {
    const Size size = {3, 3, 1};
    Mask blank(3, 3, 1);
    blank[0] = 0;
    const std::vector<float> frame = {4, 9, 9, 9, 9, 9, 9, 9, std::nanf("")};
    CHECK(filled(packed(frame, size), blank) == std::vector<float>(9, 4));
}

TEST_CASE("samples of a mask come back to where they were") {
    const auto frame = noisy<std::int16_t>(kColour);
    Mask mask(96, 112);
    mask[0] = mask[500] = mask[96 * 112 - 1] = 1;
    std::vector<std::int16_t> other(frame.size(), 3);
    const View<std::int16_t> view = {other.data(), packed(frame, kColour).strides, kColour};
    put_back(samples_of(packed(frame, kColour), mask), mask, view);
    for (std::size_t i = 0; i < frame.size(); ++i)
        CHECK(other[i] == (mask[static_cast<std::int64_t>(i / 3)] ? frame[i] : 3));
}
