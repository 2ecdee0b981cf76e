#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "frames.h"
#include "npy.h"
#include "strips.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;

namespace {

const zsn2m_size kNastySizes[] = {{1, 1, 0}, {1, 7, 0}, {7, 1, 0}, {2, 2, 0}, {3, 5, 0}, {13, 17, 0}, {61, 97, 0}};
constexpr zsn2m_options kTinyStrips = {1, 64, {}};
constexpr zsn2m_options kOneThread = {1, 0, {}};

// The height at which tiny strips of a frame become three, whatever the network's halo.
std::size_t three_strips(const zsn2m_info &info, std::size_t width) {
    const zsn2m::core::Reach reach = {info.stride, info.receptive_radius};
    const auto columns = static_cast<std::int64_t>(width);
    std::int64_t height = 1;
    while (zsn2m::core::plan_strips(height, columns, reach, kTinyStrips.strip_pixels).size() < 3) ++height;
    return static_cast<std::size_t>(height);
}

template <typename Sample>
void check_strips(const char *name, double white, double tolerance) {
    for (const auto &file : model_files(name)) {
        const Denoiser whole(file.string(), "", kOneThread);
        const Denoiser strips(file.string(), "", kTinyStrips);
        const zsn2m_info info = whole.info();
        std::vector<zsn2m_size> sizes(std::begin(kNastySizes), std::end(kNastySizes));
        sizes.push_back({three_strips(info, 11), 11, 0});
        for (zsn2m_size size : sizes) {
            INFO(file.string(), ": ", size.height, " x ", size.width);
            size.channels = static_cast<std::size_t>(info.channels);
            const auto noisy = noisy_frame<Sample>(size, white);
            CHECK(largest_difference(denoise(whole, noisy, size), denoise(strips, noisy, size)) <= tolerance);
        }
    }
}

zsn2m_status denoise_u8(const Denoiser &denoiser, zsn2m_size size) {
    std::vector<std::uint8_t> frame(300, 7);
    try {
        denoiser(frame.data(), frame.data(), size);
        return ZSN2M_OK;
    } catch (const zsn2m::Error &error) {
        CHECK(frame == std::vector<std::uint8_t>(300, 7));
        return error.status();
    }
}

} // namespace

TEST_CASE("8-bit results are the rounded test vectors") {
    const auto folder = bundle("u8_colour");
    const auto input = zsn2m::core::read_npy(read_bytes(folder / "test_input.npy"), "input");
    const auto output = zsn2m::core::read_npy(read_bytes(folder / "test_output_sensor.npy"), "output");
    const zsn2m_size size = {static_cast<std::size_t>(input.shape[2]), static_cast<std::size_t>(input.shape[3]), 3};
    const std::size_t plane = size.height * size.width;
    std::vector<std::uint8_t> noisy(3 * plane);
    for (std::size_t i = 0; i < noisy.size(); ++i)
        noisy[i] = static_cast<std::uint8_t>(input.values[i % 3 * plane + i / 3]);
    const auto denoised = denoise(Denoiser(folder.string()), noisy, size);
    std::size_t different = 0;
    for (std::size_t i = 0; i < denoised.size(); ++i) {
        const float expected = std::nearbyint(output.values[i % 3 * plane + i / 3]);
        CHECK(std::abs(static_cast<float>(denoised[i]) - expected) <= 1.0F);
        different += static_cast<float>(denoised[i]) < expected || static_cast<float>(denoised[i]) > expected;
    }
    CHECK(static_cast<double>(different) <= 1e-4 * static_cast<double>(denoised.size()));
}

TEST_CASE("strips give the pixels of the whole frame, at any size") {
    // Runtimes add up in another order for other sizes: one rounding (measured: 3e-8), which may tip a tie.
    check_strips<std::uint8_t>("u8_colour", 255, 1);
    check_strips<std::uint16_t>("u16_grey", 1023, 1);
    check_strips<std::uint16_t>("u16_colour", 4095, 1);
    check_strips<float>("f32_colour", 1, 1e-5);
    check_strips<std::int16_t>("i16_grey", 2047, 1);
}

TEST_CASE("integers stay in the sensor's range") {
    const Denoiser denoiser(bundle("u16_grey").string());
    const zsn2m_size size = {40, 50, 1};
    for (const std::uint16_t level : {std::uint16_t{0}, std::uint16_t{1023}}) {
        for (const std::uint16_t sample : denoise(denoiser, std::vector<std::uint16_t>(2000, level), size)) {
            CHECK(sample <= 1023);
        }
    }
}

TEST_CASE("frames of another dtype are refused") {
    const Denoiser denoiser(bundle("u8_colour").string());
    std::vector<std::uint16_t> u16(12);
    std::vector<float> f32(12);
    CHECK_THROWS_WITH_AS(denoiser(u16.data(), u16.data(), {2, 2, 3}), doctest::Contains("expected uint8"),
                         zsn2m::Error);
    CHECK_THROWS_WITH_AS(denoiser(f32.data(), f32.data(), {2, 2, 3}), doctest::Contains("got float32"), zsn2m::Error);
}

TEST_CASE("frames of another size or number of channels are refused, and nothing is written") {
    const Denoiser denoiser(bundle("u8_colour").string());
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    CHECK(denoise_u8(denoiser, {10, 10, 1}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {10, 10, 4}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {10, 10, 0}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {0, 10, 3}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {10, 0, 3}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {most, most, 3}) == ZSN2M_INPUT);
    CHECK(denoise_u8(denoiser, {most / 2, 1, 3}) == ZSN2M_INPUT);
    CHECK(denoise_u8(Denoiser(bundle("u8_colour").string(), "mbd"), {10, 10, 3}) == ZSN2M_OK);
}

TEST_CASE("frames that are not there are refused") {
    zsn2m_denoiser *handle = nullptr;
    REQUIRE(zsn2m_open(bundle("u8_colour").c_str(), nullptr, nullptr, &handle) == ZSN2M_OK);
    std::vector<std::uint8_t> frame(12);
    const zsn2m_size size = {2, 2, 3};
    CHECK(zsn2m_denoise_u8(handle, nullptr, nullptr, frame.data(), nullptr, size) == ZSN2M_USAGE);
    CHECK(zsn2m_denoise_u8(handle, frame.data(), nullptr, nullptr, nullptr, size) == ZSN2M_USAGE);
    CHECK(zsn2m_denoise_u8(nullptr, frame.data(), nullptr, frame.data(), nullptr, size) == ZSN2M_USAGE);
    CHECK(zsn2m_denoise_u8(handle, frame.data(), nullptr, frame.data(), nullptr, size) == ZSN2M_OK);
    zsn2m_close(handle);
}

TEST_CASE("values outside of the sensor's range are refused") {
    const Denoiser denoiser(bundle("u16_grey").string());
    std::vector<std::uint16_t> frame(6, 1023);
    frame[4] = 1024;
    CHECK_THROWS_WITH_AS(denoiser(frame.data(), frame.data(), {2, 3, 1}), doctest::Contains("1023 to 1024"),
                         zsn2m::Error);
}

TEST_CASE("padding stays, does not bleed, and strips give what the whole frame gives") {
    const Denoiser whole(bundle("u16_grey").string(), "", kOneThread);
    const Denoiser strips(bundle("u16_grey").string(), "", kTinyStrips);
    const zsn2m_size size = {three_strips(whole.info(), 40), 40, 1};
    const auto bar = static_cast<std::ptrdiff_t>(20 * size.width);
    auto frame = noisy_frame<std::uint16_t>(size, 1023);
    const auto result_of = [&](const Denoiser &denoiser, std::uint16_t value) {
        std::fill_n(frame.begin(), bar, value);
        auto denoised = denoise(denoiser, frame, size);
        CHECK(std::equal(denoised.begin(), denoised.begin() + bar, frame.begin()));
        denoiser(frame.data(), frame.data(), size); // in place
        CHECK(frame == denoised);
        frame = noisy_frame<std::uint16_t>(size, 1023);
        denoised.erase(denoised.begin(), denoised.begin() + bar);
        return denoised;
    };
    const auto black = result_of(whole, 0);
    CHECK(black == result_of(whole, 700));
    CHECK(largest_difference(black, result_of(strips, 0)) <= 1); // as without padding
}

TEST_CASE("samples that are not finite stay, bit for bit, whatever the strides") {
    const Denoiser denoiser(bundle("f32_colour").string());
    const zsn2m_size size = {30, 40, 3};
    auto frame = noisy_frame<float>(size, 1);
    const std::uint32_t quiet_with_payload = 0x7FC12345;
    std::memcpy(&frame[100], &quiet_with_payload, sizeof(float));
    frame[1000] = -std::numeric_limits<float>::infinity();
    const auto denoised = denoise(denoiser, frame, size);
    std::vector<float> planes(frame.size());
    const zsn2m_strides strides = {40 * 4, 4, 30 * 40 * 4};
    denoiser(frame.data(), {planes.data(), strides}, size);
    for (std::size_t i = 0; i < frame.size(); ++i) {
        const bool kept = i / 3 == 100 / 3 || i / 3 == 1000 / 3;
        CHECK((std::memcmp(&denoised[i], &frame[i], sizeof(float)) == 0) == kept);
        CHECK(std::memcmp(&denoised[i], &planes[i % 3 * 1200 + i / 3], sizeof(float)) == 0);
        CHECK((kept || std::isfinite(denoised[i])));
    }
}

TEST_CASE("a frame that is blank all over stays") {
    const Denoiser denoiser(bundle("u8_colour").string());
    const std::vector<std::uint8_t> frame(20 * 30 * 3, 9);
    CHECK(denoise(denoiser, frame, {20, 30, 3}) == frame);
}

TEST_CASE("frames without a finite pixel are refused") {
    const Denoiser denoiser(bundle("f32_colour").string());
    std::vector<float> frame(2 * 4 * 3, 0.5F);
    for (std::size_t pixel = 0; pixel < 8; ++pixel) frame[3 * pixel + pixel % 3] = std::nanf("");
    CHECK_THROWS_WITH_AS(denoiser(frame.data(), frame.data(), {2, 4, 3}), doctest::Contains("in every pixel"),
                         zsn2m::Error);
}
