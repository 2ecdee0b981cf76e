#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <random>

#include "fusion.h"
#include "gain.h"
#include "mosaic.h"
#include "motion.h"
#include "statistics.h"

using namespace zsn2m::core;

namespace {

constexpr Size kSize = {61, 83, 2};
constexpr float kSigma = 5;

// Of normal noise that neither pixels nor channels share.
Noise noise() {
    Noise noise;
    noise.slope = {0, 0};
    noise.floor = {kSigma * kSigma, kSigma * kSigma};
    return noise;
}

// A smooth scene, with noise of so many times kSigma.
std::vector<float> frame(unsigned seed, float strength = 1, float brightness = 100) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, kSigma * strength);
    std::vector<float> planes;
    for (std::int64_t i = 0; i < kSize.channels * kSize.height * kSize.width; ++i) {
        planes.push_back(brightness + 30 * std::sin(static_cast<float>(i % kSize.width) / 9) + normal(generator));
    }
    return planes;
}

Mean one(unsigned seed, float strength = 1) {
    Mean mean = {frame(seed, strength), {}};
    mean.be_one_frame(kSize);
    return mean;
}

Mean mean_of(unsigned frames, const Mask *fresh = nullptr) {
    Fusion fusion(noise(), true);
    Mean mean = one(0);
    for (unsigned i = 1; i < frames; ++i) {
        Mean next = {frame(i), {}};
        fusion(mean, next, kSize, 1, fresh);
        mean = next;
    }
    return mean;
}

// Root of the mean variance.
double strength_of(const Mean &mean) {
    double sum = 0;
    for (const float value : mean.variance) sum += static_cast<double>(value);
    return std::sqrt(sum / static_cast<double>(mean.variance.size()));
}

double error(const Mean &mean) {
    const std::vector<float> clean = frame(0, 0);
    double sum = 0;
    for (std::size_t i = 0; i < clean.size(); ++i) sum += std::pow(static_cast<double>(mean.planes[i] - clean[i]), 2);
    return std::sqrt(sum / static_cast<double>(clean.size())) / static_cast<double>(kSigma);
}

} // namespace

TEST_CASE("what is averaged has as much less noise as its variance says") {
    double before = 1;
    for (const unsigned frames : {2U, 4U, 8U}) {
        const Mean mean = mean_of(frames);
        INFO(frames);
        CHECK(error(mean) < 1.03 * strength_of(mean));
        CHECK(error(mean) > 0.8 * strength_of(mean)); // it is careful
        CHECK(strength_of(mean) < 0.9 * before);
        before = strength_of(mean);
    }
    CHECK(error(mean_of(8)) < 0.45);
}

TEST_CASE("the strength of a mean at a pixel is that of its cell, linear between cells") {
    Mean mean = {{}, {1, 4, 4, 16}};
    const std::vector<float> strengths = mean.strengths({3, 4, 1}, 2);
    CHECK(strengths == std::vector<float>{2, 2.5F, 3.5F, 4, 2.5F, 3.125F, 4.375F, 5, 3.5F, 4.375F, 6.125F, 7});
}

TEST_CASE("what is another frame's is not averaged") {
    Fusion fusion(noise(), true);
    const Mean before = one(0);
    Mean next = {frame(1), {}};
    for (std::size_t i = 0; i < next.planes.size(); ++i) {
        if (i / static_cast<std::size_t>(kSize.width) % static_cast<std::size_t>(kSize.height) < 30)
            next.planes[i] += 40;
    }
    const std::vector<float> given = next.planes;
    fusion(before, next, kSize, 1, nullptr);
    CHECK(std::abs(next.planes[0] - given[0]) < 1); // of 40
    CHECK(next.variance.front() > 0.95F);
    CHECK(*std::min_element(next.variance.end() - 42, next.variance.end()) < 0.6F); // of the last row
}

TEST_CASE("where nothing was before, the frame is the mean") {
    Mask fresh(kSize.height, kSize.width);
    for (std::int64_t i = 0; i < 5 * kSize.width; ++i) fresh[i] = 1;
    const Mean mean = mean_of(2, &fresh);
    const std::vector<float> given = frame(1);
    const std::size_t rows = 5 * static_cast<std::size_t>(kSize.width);
    CHECK(std::equal(mean.planes.begin(), mean.planes.begin() + static_cast<std::ptrdiff_t>(rows), given.begin()));
    CHECK(mean.variance[2 * 42] == 1); // of rows 4 and 5
    CHECK(mean.variance[3 * 42] < 0.7F);
}

TEST_CASE("a frame that is shown twice has no less noise for that") {
    Fusion fusion(noise(), true);
    const Mean before = one(0);
    Mean again = {before.planes, {}};
    fusion(before, again, kSize, 1, nullptr);
    CHECK(strength_of(again) == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("a gain of the camera is followed") {
    const std::vector<float> clean = frame(0, 0);
    for (const float strength : {0.5F, 1.0F, 1.1F, 3.0F}) {
        Gain gain({noise()});
        gain.update(clean.data(), frame(1, strength).data(), kSize, {});
        INFO(strength);
        const bool like = std::abs(strength - 1) < 0.15F;
        CHECK(gain.strength() == doctest::Approx(like ? 1 : strength).epsilon(like ? 1e-6 : 0.1));
    }
}

TEST_CASE("of several kinds of noise, that nearest to the frame's is taken at the start") {
    Noise loud = noise();
    for (double &floor : loud.floor) floor *= 9;
    for (const float strength : {1.0F, 3.0F}) {
        Gain gain({noise(), loud});
        gain.start(frame(1, strength).data(), kSize);
        CHECK(gain.strength() == doctest::Approx(strength));
    }
}

TEST_CASE("a cut is another scene, not another noise or light") {
    const std::vector<float> clean = frame(0, 0), light = frame(1, 1, 120);
    std::vector<float> other;
    for (std::size_t i = 0; i < clean.size(); ++i) other.push_back(150 + 30 * std::sin(static_cast<float>(i) / 700));
    CHECK(still(clean.data(), frame(1).data(), clean.data(), kSize));
    CHECK(still(clean.data(), light.data(), clean.data(), kSize));
    CHECK_FALSE(still(clean.data(), other.data(), clean.data(), kSize));
    CHECK_FALSE(still(clean.data(), clean.data(), clean.data(), {15, 83, 2}));
}

TEST_CASE("what clipping adds to light is no cut") {
    const auto plain = [](unsigned seed, float brightness) {
        std::vector<float> planes = frame(seed, 1, brightness);
        const std::vector<float> clean = frame(0, 0, 0);
        for (std::size_t i = 0; i < planes.size(); ++i) planes[i] -= clean[i];
        return planes;
    };
    const std::vector<float> result = plain(0, 0), seen = plain(1, 20), now = plain(2, 20);
    CHECK_FALSE(still(result.data(), now.data(), result.data(), kSize));
    CHECK(still(result.data(), now.data(), seen.data(), kSize));
}

TEST_CASE("light that changes in a part leaves no lag") {
    Fusion fusion(noise(), true);
    Mean mean = one(0);
    const std::int64_t half = kSize.width / 2;
    for (unsigned i = 1; i < 8; ++i) {
        Mean next = {frame(i), {}};
        for (std::size_t k = 0; k < next.planes.size(); ++k) {
            if (static_cast<std::int64_t>(k) % kSize.width < half) continue;
            next.planes[k] -= 0.5F * kSigma * static_cast<float>(i);
        }
        fusion(mean, next, kSize, 1, nullptr);
        mean = next;
    }
    const std::vector<float> clean = frame(0, 0);
    double off = 0, count = 0;
    for (std::size_t k = 0; k < clean.size(); ++k) {
        if (static_cast<std::int64_t>(k) % kSize.width < half + 16) continue;
        off += static_cast<double>(mean.planes[k] - clean[k] + 3.5F * kSigma);
        ++count;
    }
    CHECK(std::abs(off / count) < 0.1 * static_cast<double>(kSigma));
    CHECK(*std::min_element(mean.variance.begin(), mean.variance.end()) < 0.35F);
}

TEST_CASE("clipping is no noise that frames share") {
    Noise clipped = noise();
    clipped.end_low = 0;
    Fusion fusion(clipped, true);
    const auto dark = [](unsigned seed) {
        std::vector<float> planes = frame(seed, 1, 0);
        const std::vector<float> clean = frame(0, 0, 0);
        for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = std::max(planes[i] - clean[i], 0.0F);
        return planes;
    };
    Mean mean = {dark(0), {}};
    mean.be_one_frame(kSize);
    for (unsigned i = 1; i < 8; ++i) {
        Mean next = {dark(i), {}};
        fusion(mean, next, kSize, 1, nullptr);
        mean = next;
    }
    CHECK(strength_of(mean) < 0.55);
}

TEST_CASE("a network that is not told its noise is given a dark frame itself, until its mean is much better") {
    Noise clipped = noise();
    clipped.end_low = 0;
    const auto dark = [](unsigned seed) {
        std::vector<float> planes = frame(seed, 1, 0);
        const std::vector<float> clean = frame(0, 0, 0);
        for (std::size_t i = 0; i < planes.size(); ++i) planes[i] = std::max(planes[i] - 0.9F * clean[i], 0.0F);
        return planes;
    };
    for (const bool told : {true, false}) {
        Fusion fusion(clipped, told);
        Mean mean = {dark(0), {}};
        mean.be_one_frame(kSize);
        for (unsigned i = 1; i < 8; ++i) {
            Mean next = {dark(i), {}};
            fusion(mean, next, kSize, 1, nullptr);
            mean = next;
            CHECK((fusion.in_light(mean, kSize) == dark(i)) == (!told && i == 1));
        }
        const std::vector<float> light = fusion.in_light(mean, kSize);
        CHECK((*std::min_element(light.begin(), light.end()) >= 0) == told);
    }
}

TEST_CASE("light of dark frames is followed") {
    Noise clipped = noise();
    clipped.end_low = 0;
    constexpr Size size = {320, 320, 1};
    const auto dark = [&](unsigned seed, float light, float strength = 1) {
        std::mt19937 generator(seed);
        std::normal_distribution<float> normal(0, kSigma * strength);
        std::vector<float> planes;
        for (std::int64_t i = 0; i < size.height * size.width; ++i) {
            const float there = light * static_cast<float>(i % size.width) / static_cast<float>(size.width);
            planes.push_back(std::max(there + normal(generator), 0.0F));
        }
        return planes;
    };
    clipped.slope.resize(1), clipped.floor.resize(1);
    const Fusion fusion(clipped, false);
    Mean mean = {dark(0, 12), {}};
    mean.be_one_frame(size);
    const std::optional<Mean> relit = fusion.in_light_of(dark(1, 9).data(), mean, size, 1);
    REQUIRE(relit);
    const auto level = [](const std::vector<float> &planes) {
        return std::accumulate(planes.begin(), planes.end(), 0.0) / static_cast<double>(planes.size());
    };
    CHECK(level(relit->planes) == doctest::Approx(level(dark(1, 9))).epsilon(0.02));
    CHECK_FALSE(fusion.in_light_of(dark(1, 12).data(), mean, size, 1));
}

TEST_CASE("a mean that interpolation brought beyond the ends is within them in light, clipping or not") {
    Noise clipped = noise();
    clipped.end_low = 0;
    clipped.end_high = 255;
    for (const float outside : {-2.0F, 257.0F}) {
        Mean mean = one(0);
        mean.planes[7 * static_cast<std::size_t>(kSize.width) + 9] = outside; // amid values far from the ends
        for (const bool told : {true, false}) {
            const std::vector<float> light = Fusion(clipped, told).in_light(mean, kSize);
            CHECK(*std::min_element(light.begin(), light.end()) >= 0);
            CHECK(*std::max_element(light.begin(), light.end()) <= 255);
            CHECK(Fusion(noise(), told).in_light(mean, kSize) == mean.planes);
        }
    }
}

TEST_CASE("motion is followed where OpenCV is built in") {
    if constexpr (kWithOpenCv) {
        constexpr std::int64_t step = 4;
        constexpr Size size = {96, 128, 1};
        std::mt19937 generator(0);
        std::vector<float> wide;
        for (std::int64_t i = 0; i < size.height * (size.width + step); ++i) {
            const auto row = static_cast<float>(i / (size.width + step)),
                       column = static_cast<float>(i % (size.width + step));
            wide.push_back(100 + 40 * std::sin(row / 5 + std::sin(column / 7)) * std::cos(column / 6));
        }
        const auto view = [&](std::int64_t right) {
            std::vector<float> planes;
            for (std::int64_t row = 0; row < size.height; ++row) {
                const auto first = wide.begin() + row * (size.width + step) + right;
                planes.insert(planes.end(), first, first + size.width);
            }
            return planes;
        };
        const std::vector<float> before = view(0), now = view(step);
        const auto flow = moved(before.data(), now.data(), before.data(), size);
        REQUIRE(flow);
        std::vector<float> brought, part;
        bring(*flow, before.data(), size, brought);
        const auto inside = [&](const std::vector<float> &planes) {
            double sum = 0;
            for (std::int64_t i = 0; i < size.height * size.width; ++i) {
                const auto at = static_cast<std::size_t>(i);
                if (i % size.width < size.width - 16) sum += std::abs(static_cast<double>(planes[at] - now[at]));
            }
            return sum;
        };
        CHECK(inside(brought) < 0.1 * inside(before));
        bring_part(*flow, before.data(), size, {{7, 40}, {3, 90}}, part);
        CHECK(part == std::vector<float>{brought[7 * 128 + 3], brought[7 * 128 + 90], brought[40 * 128 + 3],
                                         brought[40 * 128 + 90]});
    }
}

TEST_CASE("mosaics are split and joined") {
    for (const char *pattern : {"RGGB", "GRBG"}) {
        for (const Size size : {Size{4, 6, 1}, Size{5, 7, 1}}) {
            std::vector<float> mosaic, joined(static_cast<std::size_t>(size.height * size.width));
            for (std::size_t i = 0; i < joined.size(); ++i) mosaic.push_back(static_cast<float>(i));
            const Size of_planes = size_of_planes(size);
            std::vector<float> planes(static_cast<std::size_t>(4 * of_planes.height * of_planes.width));
            split_mosaic(mosaic.data(), size, pattern, planes.data());
            join_mosaic(planes.data(), size, pattern, joined.data());
            CHECK(joined == mosaic);
            if (size.width == 6) CHECK(planes[0] == (*pattern == 'R' ? 0 : 5)); // turned left to right
        }
    }
}

TEST_CASE("quantiles are those of NumPy") {
    std::vector<double> values = {4, 1, 3, 2};
    CHECK(quantile(values, 0.25) == 1.75);
    CHECK(median(values) == 2.5);
    CHECK(quantile(values, 1) == 4);
}
