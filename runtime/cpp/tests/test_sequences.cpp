#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <thread>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;

namespace {

constexpr zsn2m_size kSize = {70, 40, 3};
constexpr zsn2m_options kOneThread = {1, 0};
constexpr int kFrames = 4;

using Frame = std::vector<float>;

Frame frame(unsigned seed, zsn2m_size size = kSize) { return noisy_frame<float>(size, 1, seed); }

Frame next(Denoiser &denoiser, const Frame &noisy, zsn2m_size size = kSize, double strength = 0) {
    Frame denoised(noisy.size());
    denoiser.next(noisy.data(), denoised.data(), size, strength);
    return denoised;
}

std::vector<Frame> run(Denoiser &denoiser, unsigned seed) {
    std::vector<Frame> results;
    for (unsigned i = 0; i < kFrames; ++i) results.push_back(next(denoiser, frame(seed + i)));
    return results;
}

std::vector<std::string> videos() {
    std::vector<std::string> files;
    for (const std::string &suffix : suffixes()) {
        files.push_back((bundle("f32_colour") / ("video" + suffix)).string());
    }
    return files;
}

} // namespace

TEST_CASE("every frame of a sequence is denoised by itself") {
    for (const std::string &file : videos()) {
        INFO(file);
        Denoiser denoiser(file, "", kOneThread);
        const auto results = run(denoiser, 0);
        for (unsigned i = 0; i < kFrames; ++i) CHECK(results[i] == denoise(denoiser, frame(i), kSize));
        denoiser.restart();
        CHECK(run(denoiser, 0) == results);
    }
}

TEST_CASE("a sequence in strips gives the pixels of whole frames") {
    const zsn2m_size size = {400, 11, 3};
    for (const std::string &file : videos()) {
        Denoiser whole(file, "", kOneThread), strips(file, "", {1, 64});
        for (unsigned i = 0; i < 3; ++i) {
            CHECK(largest_difference(next(whole, frame(i, size), size), next(strips, frame(i, size), size)) <= 1e-5);
        }
    }
}

TEST_CASE("the strength of the noise reaches the model, and 0 is 1") {
    for (const std::string &file : videos()) {
        Denoiser denoiser(file, "", kOneThread);
        const auto at = [&](double strength) {
            denoiser.restart();
            return next(denoiser, frame(0), kSize, strength);
        };
        CHECK(at(0) == at(1));
        CHECK(largest_difference(at(1), at(4)) > 1e-4);
        for (const double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN(), 1e300}) {
            CHECK_THROWS_WITH_AS(at(wrong), doctest::Contains("strength"), zsn2m::Error);
        }
    }
}

TEST_CASE("in place it is the same, whatever the strides") {
    Denoiser denoiser(videos().front(), "", kOneThread), other(videos().front(), "", kOneThread);
    for (unsigned i = 0; i < 2; ++i) {
        Frame planes(frame(i).size()), noisy = frame(i);
        const std::size_t pixels = kSize.height * kSize.width;
        for (std::size_t k = 0; k < planes.size(); ++k) planes[k] = noisy[k % pixels * 3 + k / pixels];
        const zsn2m::Image<float> image(planes.data(), 4 * kSize.width, 4, 4 * pixels);
        denoiser.next(zsn2m::Image<const float>(image.first, image.strides), image, kSize);
        const Frame expected = next(other, noisy);
        for (std::size_t k = 0; k < planes.size(); ++k) CHECK(planes[k] == expected[k % pixels * 3 + k / pixels]);
    }
}

TEST_CASE("threads with handles of their own, or one, do not mix") {
    const std::string file = videos().front();
    Denoiser reference(file, "", kOneThread), shared(file, "", kOneThread);
    const auto expected = run(reference, 0);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            Denoiser own(file, "", kOneThread);
            wrong += run(own, 0) != expected;
            wrong += run(shared, 0) != expected;
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
}
