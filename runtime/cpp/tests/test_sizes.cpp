// Sizes and strides of the types that programs have compile under -Wconversion and -Wsign-conversion as errors.
#include <doctest/doctest.h>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;

namespace {

// cv::MatStep, of cv::Mat::step, in short: it converts to a reference and to a value.
struct Step {
    std::size_t bytes;
    operator std::size_t() const { return bytes; }
    operator std::size_t &() { return bytes; }
};

// Of cv::Mat what such a call needs.
struct Mat {
    int rows;
    int cols;
    Step step;
    std::vector<std::uint8_t> bytes;

    template <typename Sample>
    Sample *ptr() {
        return bytes.data();
    }
};

} // namespace

TEST_CASE("the sizes and strides of a cv::Mat are taken as they are") {
    const Denoiser denoise_frame(bundle("u8_colour").string());
    const zsn2m_size size = {9, 11, 3};
    const auto noisy = noisy_frame<std::uint8_t>(size, 255);
    Mat mat = {9, 11, {33}, noisy};
    std::vector<std::uint8_t> denoised(noisy.size());
    denoise_frame(mat.ptr<std::uint8_t>(), denoised.data(), {mat.rows, mat.cols, 3});
    CHECK(denoised == denoise(denoise_frame, noisy, size));
    denoise_frame({mat.ptr<std::uint8_t>(), mat.step, 3, 1}, {denoised.data(), mat.step, 3, 1},
                  {mat.rows, mat.cols, 3});
    CHECK(denoised == denoise(denoise_frame, noisy, size));
}

TEST_CASE("sizes of any integer types are taken, together") {
    const Denoiser denoiser(bundle("u8_colour").string());
    const auto noisy = noisy_frame<std::uint8_t>({9, 11, 3}, 255);
    std::vector<std::uint8_t> denoised(noisy.size());
    const std::size_t height = 9;
    const std::int64_t width = 11;
    const unsigned channels = 3;
    CHECK_NOTHROW(denoiser(noisy.data(), denoised.data(), {height, width, channels}));
    CHECK_NOTHROW(denoiser(noisy.data(), denoised.data(), zsn2m_size{height, 11, 3}));
}

TEST_CASE("a negative size is refused") {
    const Denoiser denoiser(bundle("u8_colour").string());
    std::vector<std::uint8_t> frame(300);
    for (const auto &[height, width] : {std::pair{-1, 10}, std::pair{10, -1}, std::pair{-10, -10}}) {
        try {
            denoiser(frame.data(), frame.data(), {height, width, 3});
            FAIL("expected an error");
        } catch (const zsn2m::Error &error) {
            CHECK(error.status() == ZSN2M_INPUT);
        }
    }
}
