#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "failure.h"
#include "pixels.h"

using namespace zsn2m::core;

namespace {

template <typename Sample>
std::vector<Sample> written(const std::vector<float> &values) {
    std::vector<Sample> samples(values.size());
    const Size size = {1, static_cast<std::int64_t>(values.size()), 1};
    const View<Sample> view = {samples.data(), check_strides(nullptr, samples.data(), size, sizeof(Sample), "row"),
                               size};
    write_planes(values.data(), 1, 0, view, {0, 1});
    return samples;
}

void check_layout(zsn2m_strides strides, Size size, std::size_t sample_bytes) {
    check_strides(&strides, nullptr, size, sample_bytes, "frame");
}

} // namespace

TEST_CASE("integers are rounded half to even") {
    CHECK(written<std::uint8_t>({0.0F, 0.5F, 1.5F, 2.5F, 2.501F, 253.5F, 254.5F, 255.0F}) ==
          std::vector<std::uint8_t>{0, 0, 2, 2, 3, 254, 254, 255});
    CHECK(written<std::uint16_t>({0.5F, 1.5F, 1022.5F, 65534.5F, 65535.0F}) ==
          std::vector<std::uint16_t>{0, 2, 1022, 65534, 65535});
    CHECK(written<std::int16_t>({-32768.0F, -1.5F, -0.5F, 0.5F, 32766.5F, 32767.0F}) ==
          std::vector<std::int16_t>{-32768, -2, 0, 0, 32766, 32767});
    CHECK(written<double>({0.5F, -3.25F}) == std::vector<double>{0.5, -3.25});
    CHECK(written<float>({0.5F, -3.25F, 1e9F}) == std::vector<float>{0.5F, -3.25F, 1e9F});
}

TEST_CASE("values that no sensor has are clamped, and a NaN is defined") {
    const float infinity = std::numeric_limits<float>::infinity();
    CHECK(written<std::uint8_t>({-0.4F, -1e30F, 1e30F, -infinity, infinity, std::nanf("")}) ==
          std::vector<std::uint8_t>{0, 0, 255, 0, 255, 0});
    CHECK(written<std::int16_t>({-1e30F, 1e30F, -infinity, infinity}) ==
          std::vector<std::int16_t>{-32768, 32767, -32768, 32767});
}

TEST_CASE("32-bit integers stop at their ends, which float32 does not have") {
    CHECK(written<std::uint32_t>({-1.0F, 16777216.0F, 4294967040.0F, 4294967296.0F, 1e30F}) ==
          std::vector<std::uint32_t>{0, 16777216, 4294967040U, 4294967295U, 4294967295U});
    CHECK(written<std::int32_t>({-1e30F, -2147483648.0F, 2147483520.0F, 2147483648.0F}) ==
          std::vector<std::int32_t>{std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::min(),
                                    2147483520, std::numeric_limits<std::int32_t>::max()});
}

TEST_CASE("doubles that float32 does not hold are refused") {
    const double frame[] = {1.0, 1e300};
    const Size size = {1, 2, 1};
    const View<const double> view = {frame, check_strides(nullptr, frame, size, sizeof(double), "frame"), size};
    CHECK_THROWS_AS(check_samples(view, 0, 1), zsn2m::core::Failure);
}

TEST_CASE("layouts whose samples lie apart are taken") {
    const Size size = {5, 7, 3};
    CHECK_NOTHROW(check_layout({0, 0, 0}, size, 2));
    CHECK_NOTHROW(check_layout({64, 0, 0}, size, 1));
    CHECK_NOTHROW(check_layout({-21, 0, 0}, size, 1));
    CHECK_NOTHROW(check_layout({28, 4, -1}, size, 1));
    CHECK_NOTHROW(check_layout({7, 1, 35}, size, 1));     // planes
    CHECK_NOTHROW(check_layout({3, 15, 1}, size, 1));     // transposed
    CHECK_NOTHROW(check_layout({1, 1, 1}, {1, 1, 1}, 1)); // one sample
}

TEST_CASE("layouts whose samples overlap, or that memory cannot hold, are refused") {
    const Size size = {5, 7, 3};
    constexpr std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max();
    constexpr std::ptrdiff_t least = std::numeric_limits<std::ptrdiff_t>::min();
    for (const zsn2m_strides strides :
         {zsn2m_strides{20, 0, 0}, zsn2m_strides{0, 2, 0}, zsn2m_strides{1, 3, 1}, zsn2m_strides{most, 0, 0},
          zsn2m_strides{least, 0, 0}, zsn2m_strides{0, most, 0}, zsn2m_strides{0, 0, least}, zsn2m_strides{1, 1, 1}}) {
        CHECK_THROWS_AS(check_layout(strides, size, 1), Failure);
    }
    CHECK_THROWS_AS(check_layout({43, 0, 0}, size, 2), Failure); // not a multiple of the sample
    CHECK_THROWS_AS(check_layout({0, 0, 0}, {most, most, 3}, 1), Failure);
}
