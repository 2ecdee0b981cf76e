#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;
using zsn2m::Image;

namespace {

constexpr std::size_t kHeight = 23;
constexpr std::size_t kWidth = 31;
constexpr zsn2m_size kSize = {kHeight, kWidth, 3};
constexpr std::size_t kSpace = 4 * (kHeight + 2) * (kWidth + 2); // samples: enough for every layout here

// Frames that lie otherwise in memory: where they start, in samples, and their strides in samples.
struct Layout {
    const char *name;
    std::size_t start;
    zsn2m_strides strides;
};
const Layout kLayouts[] = {
    {"packed", 0, {0, 0, 0}},
    {"padded rows", 5, {3 * kWidth + 6, 3, 1}},
    {"BGR", 2, {3 * kWidth, 3, -1}},
    {"BGRA", 2, {4 * kWidth, 4, -1}},
    {"planes", 0, {kWidth, 1, kHeight *kWidth}},
    {"planes B, G, R", 2 * kHeight *kWidth, {kWidth, 1, -static_cast<std::ptrdiff_t>(kHeight *kWidth)}},
    {"upside down", (kHeight - 1) * 3 * kWidth, {-static_cast<std::ptrdiff_t>(3 * kWidth), 3, 1}},
    {"mirrored", (kWidth - 1) * 3, {3 * kWidth, -3, 1}},
    {"transposed", 0, {3, 3 * kHeight, 1}},
};

zsn2m_strides filled(const Layout &layout) {
    return layout.strides.pixel == 0 ? zsn2m_strides{3 * kWidth, 3, 1} : layout.strides;
}

zsn2m_strides in_bytes(zsn2m_strides strides, std::size_t sample_bytes) {
    const auto bytes = static_cast<std::ptrdiff_t>(sample_bytes);
    return {strides.row * bytes, strides.pixel * bytes, strides.channel * bytes};
}

// Index into the layout's memory of each sample of a packed frame.
std::vector<std::size_t> places(const Layout &layout) {
    const zsn2m_strides strides = filled(layout);
    std::vector<std::size_t> indices;
    for (std::size_t y = 0; y < kHeight; ++y) {
        for (std::size_t x = 0; x < kWidth; ++x) {
            for (std::size_t c = 0; c < 3; ++c) {
                indices.push_back(static_cast<std::size_t>(
                    static_cast<std::ptrdiff_t>(layout.start) + static_cast<std::ptrdiff_t>(y) * strides.row +
                    static_cast<std::ptrdiff_t>(x) * strides.pixel + static_cast<std::ptrdiff_t>(c) * strides.channel));
            }
        }
    }
    return indices;
}

template <typename Sample>
std::vector<Sample> spread(const std::vector<Sample> &packed, const Layout &layout, Sample fill) {
    std::vector<Sample> memory(kSpace, fill);
    const auto indices = places(layout);
    for (std::size_t i = 0; i < packed.size(); ++i) memory[indices[i]] = packed[i];
    return memory;
}

template <typename Sample>
void check_layouts(const char *name, const char *model, double white, zsn2m_options options) {
    const Denoiser denoiser(bundle(name).string(), model, options);
    const auto noisy = noisy_frame<Sample>(kSize, white);
    const auto expected = denoise(denoiser, noisy, kSize);
    for (const Layout &from : kLayouts) {
        const auto memory = spread<Sample>(noisy, from, 9);
        for (const Layout &to : kLayouts) {
            INFO(from.name, " to ", to.name);
            std::vector<Sample> result(kSpace, 77);
            denoiser(Image<const Sample>(memory.data() + from.start, in_bytes(from.strides, sizeof(Sample))),
                     Image<Sample>(result.data() + to.start, in_bytes(to.strides, sizeof(Sample))), kSize);
            CHECK(result == spread<Sample>(expected, to, 77)); // what lies between samples is left alone
        }
        INFO(from.name, " in place");
        auto frame = memory;
        const Image<Sample> image(frame.data() + from.start, in_bytes(from.strides, sizeof(Sample)));
        denoiser(Image<const Sample>(image.first, image.strides), image, kSize);
        CHECK(frame == spread<Sample>(expected, from, 9));
    }
}

// Sizes and strides by chance: most of them fit, some nearly do.
class Chance {
public:
    zsn2m_size size() { return {1 + below(12), 1 + below(12), 3}; }

    zsn2m_strides strides(zsn2m_size size) {
        const std::size_t lengths[] = {size.height, size.width, size.channels};
        std::size_t axes[] = {0, 1, 2};
        std::shuffle(std::begin(axes), std::end(axes), generator_);
        std::ptrdiff_t strides[3];
        std::size_t span = 1;
        for (const std::size_t axis : axes) {
            const std::size_t stride = span + below(3);
            strides[axis] = static_cast<std::ptrdiff_t>(stride) * (below(2) == 0 ? 1 : -1);
            span += stride * (lengths[axis] - 1);
        }
        if (below(3) == 0) strides[below(3)] = static_cast<std::ptrdiff_t>(1 + below(40)) - 20;
        for (std::ptrdiff_t &stride : strides) stride += stride == 0; // 0 stands for a default
        return {strides[0], strides[1], strides[2]};
    }

private:
    std::size_t below(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most - 1)(generator_); }

    std::mt19937 generator_{0};
};

// Distance of every sample of a packed frame from the first one, bytes of 8-bit samples.
std::vector<std::ptrdiff_t> distances(zsn2m_size size, zsn2m_strides strides) {
    std::vector<std::ptrdiff_t> result;
    for (std::size_t y = 0; y < size.height; ++y) {
        for (std::size_t x = 0; x < size.width; ++x) {
            for (std::size_t c = 0; c < size.channels; ++c) {
                result.push_back(static_cast<std::ptrdiff_t>(y) * strides.row +
                                 static_cast<std::ptrdiff_t>(x) * strides.pixel +
                                 static_cast<std::ptrdiff_t>(c) * strides.channel);
            }
        }
    }
    return result;
}

} // namespace

TEST_CASE("frames are read and written in any layout, and in place") {
    check_layouts<std::uint8_t>("u8_colour", "sensor", 255, {1, 0, {}});
    check_layouts<std::uint16_t>("u16_colour", "flat", 4095, {1, 0, {}});
    check_layouts<float>("f32_colour", "sensor", 1, {1, 0, {}});
}

TEST_CASE("frames are read and written in any layout, and in place, in strips") {
    check_layouts<std::uint8_t>("u8_colour", "sensor", 255, {1, 100, {}});
    check_layouts<std::uint16_t>("u16_colour", "flat", 4095, {1, 100, {}});
    check_layouts<float>("f32_colour", "sensor", 1, {1, 100, {}});
}

TEST_CASE("a thousand sizes and strides by chance give the packed frame's pixels, or are refused") {
    const Denoiser denoiser(bundle("u8_colour").string(), "sensor", {1, 50, {}});
    Chance chance;
    int taken = 0;
    for (int i = 0; i < 1000; ++i) {
        const zsn2m_size size = chance.size();
        const zsn2m_strides strides = chance.strides(size);
        INFO(size.height, " x ", size.width, ": ", strides.row, ", ", strides.pixel, ", ", strides.channel);
        const auto at = distances(size, strides);
        const auto [least, most] = std::minmax_element(at.begin(), at.end());
        // No byte more than the layout has: AddressSanitizer sees what is read or written beside it.
        std::vector<std::uint8_t> memory(static_cast<std::size_t>(*most - *least) + 1, 9);
        std::uint8_t *first = memory.data() - *least;
        const auto noisy = noisy_frame<std::uint8_t>(size, 255, static_cast<unsigned>(i));
        for (std::size_t k = 0; k < at.size(); ++k) first[at[k]] = noisy[k];
        auto expected = memory;
        const bool apart = std::set<std::ptrdiff_t>(at.begin(), at.end()).size() == at.size();
        try {
            denoiser(Image<const std::uint8_t>(first, strides), Image<std::uint8_t>(first, strides), size);
            ++taken;
            REQUIRE(apart);
            const auto denoised = denoise(denoiser, noisy, size);
            for (std::size_t k = 0; k < at.size(); ++k)
                expected[static_cast<std::size_t>(at[k] - *least)] = denoised[k];
        } catch (const zsn2m::Error &error) {
            CHECK(error.status() == ZSN2M_USAGE);
        }
        CHECK(memory == expected);
    }
    CHECK(taken > 500);
    CHECK(taken < 1000);
}

TEST_CASE("strides that do not fit are refused") {
    const Denoiser denoiser(bundle("f32_colour").string());
    std::vector<float> frame(kSpace, 0.5F);
    const auto status = [&](float *first, zsn2m_strides noisy, zsn2m_strides denoised) {
        try {
            denoiser(Image<const float>(first, noisy), Image<float>(frame.data(), denoised), kSize);
            return ZSN2M_OK;
        } catch (const zsn2m::Error &error) {
            CHECK(std::string(error.what()).find("expected") != std::string::npos);
            return error.status();
        }
    };
    auto *misaligned = reinterpret_cast<float *>(reinterpret_cast<char *>(frame.data()) + 1); // never followed
    CHECK(status(frame.data(), {0, 0, 0}, {0, 0, 0}) == ZSN2M_OK);
    CHECK(status(frame.data(), {4 * 3 * kWidth - 4, 0, 0}, {0, 0, 0}) == ZSN2M_USAGE);
    CHECK(status(frame.data(), {0, 0, 0}, {4, 12, 4}) == ZSN2M_USAGE);
    CHECK(status(frame.data(), {0, 13, 0}, {0, 0, 0}) == ZSN2M_USAGE);
    CHECK(status(misaligned, {0, 0, 0}, {0, 0, 0}) == ZSN2M_USAGE);
}
