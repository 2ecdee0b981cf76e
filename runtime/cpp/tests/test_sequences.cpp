#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;

namespace {

constexpr zsn2m_size kSize = {70, 41, 3};
constexpr zsn2m_options kStill = {1, 0, ZSN2M_MOTION_NONE};
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

// Root of the mean square of the difference.
double apart(const Frame &one, const Frame &other) {
    double sum = 0;
    for (std::size_t i = 0; i < one.size(); ++i) sum += std::pow(static_cast<double>(one[i] - other[i]), 2);
    return std::sqrt(sum / static_cast<double>(one.size()));
}

std::vector<std::string> videos() {
    std::vector<std::string> files;
    for (const std::string &suffix : suffixes()) {
        files.push_back((bundle("f32_colour") / ("video" + suffix)).string());
    }
    return files;
}

} // namespace

TEST_CASE("the first frame is denoised by itself, and later ones are nearer to each other than by themselves") {
    for (const std::string &file : videos()) {
        INFO(file);
        Denoiser denoiser(file, "", kStill);
        const auto results = run(denoiser, 0);
        CHECK(results[0] == denoise(denoiser, frame(0), kSize));
        const double alone = apart(denoise(denoiser, frame(2), kSize), denoise(denoiser, frame(3), kSize));
        CHECK(apart(results[2], results[3]) < 0.6 * alone);
        denoiser.restart();
        CHECK(run(denoiser, 0) == results);
    }
}

TEST_CASE("frames are denoised by themselves where that is asked for, or the bundle's noise is not known") {
    for (const std::string &file : videos()) {
        const TemporaryFolder folder;
        const auto single = folder.path() / std::filesystem::path(file).filename();
        std::filesystem::copy(file, single);
        Denoiser off(file, "", {1, 0, ZSN2M_MOTION_OFF}), unknown(single.string(), "", kStill);
        for (Denoiser *denoiser : {&off, &unknown}) {
            for (unsigned i = 0; i < 2; ++i) CHECK(next(*denoiser, frame(i)) == denoise(*denoiser, frame(i), kSize));
        }
    }
}

TEST_CASE("frames are not averaged where a mean would smear what the model removes") {
    const auto averages = [](const std::string &name, const char *model, const std::string &fact) {
        const TemporaryFolder folder;
        const auto copy = copy_bundle(name, folder);
        if (!fact.empty()) replace_in_file(copy / "manifest.json", "\"" + fact + "\": null", "\"" + fact + "\": {}");
        Denoiser denoiser(copy.string(), model, kStill);
        const auto given = noisy_frame<std::uint8_t>(kSize, 255, 1);
        auto result = given;
        denoiser.next(noisy_frame<std::uint8_t>(kSize, 255, 0).data(), result.data(), kSize);
        denoiser.next(given.data(), result.data(), kSize);
        return result != denoise(denoiser, given, kSize);
    };
    CHECK(averages("u8_colour", "video", ""));
    CHECK_FALSE(averages("u8_colour", "video", "impulses"));
    CHECK_FALSE(averages("u8_colour", "video", "fixed_pattern"));
    CHECK(averages("u8_colour", "sensor", ""));
    CHECK_FALSE(averages("u8_colour", "sensor", "fixed_pattern"));
}

TEST_CASE("a frame of another size, and one below 16 x 16 pixels, starts anew") {
    for (const std::string &file : videos()) {
        Denoiser denoiser(file, "", kStill);
        for (const zsn2m_size other : {zsn2m_size{41, 70, 3}, zsn2m_size{15, 40, 3}, zsn2m_size{1, 1, 3}}) {
            denoiser.restart();
            next(denoiser, frame(0));
            CHECK(next(denoiser, frame(1, other), other) == denoise(denoiser, frame(1, other), other));
            CHECK(next(denoiser, frame(2)) == denoise(denoiser, frame(2), kSize));
        }
    }
}

TEST_CASE("a frame after a cut is denoised by itself") {
    Denoiser denoiser(videos().front(), "", kStill);
    Frame other = frame(9);
    std::reverse(other.begin(), other.end()); // the ramp falls
    next(denoiser, frame(0));
    CHECK(next(denoiser, other) == denoise(denoiser, other, kSize));
}

TEST_CASE("a sequence in strips gives the pixels of whole frames") {
    const zsn2m_size size = {400, 17, 3};
    for (const std::string &file : videos()) {
        Denoiser whole(file, "", kStill), strips(file, "", {1, 64, ZSN2M_MOTION_NONE});
        for (unsigned i = 0; i < 3; ++i) {
            CHECK(largest_difference(next(whole, frame(i, size), size), next(strips, frame(i, size), size)) <= 1e-5);
        }
    }
}

TEST_CASE("the strength of the noise reaches the model, and is 1 where it is not given") {
    for (const std::string &file : videos()) {
        Denoiser denoiser(file, "", kStill);
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

TEST_CASE("a motion that there is not is refused") {
    zsn2m_denoiser *denoiser = nullptr;
    const zsn2m_options options = {1, 0, static_cast<zsn2m_motion>(3)};
    CHECK(zsn2m_open(bundle("f32_colour").string().c_str(), nullptr, &options, &denoiser) == ZSN2M_USAGE);
    CHECK(std::string(zsn2m_last_error()).find("motion") != std::string::npos);
}

TEST_CASE("a frame that is refused leaves the ones before") {
    Denoiser denoiser(videos().front(), "", kStill), reference(videos().front(), "", kStill);
    next(denoiser, frame(0));
    next(reference, frame(0));
    std::vector<std::uint8_t> bytes(frame(0).size());
    CHECK_THROWS_WITH_AS(denoiser.next(bytes.data(), bytes.data(), kSize), doctest::Contains("got uint8"),
                         zsn2m::Error);
    CHECK_THROWS_AS(next(denoiser, Frame(frame(0).size(), std::nanf(""))), zsn2m::Error);
    CHECK(next(denoiser, frame(1)) == next(reference, frame(1)));
}

TEST_CASE("blank areas stay, and nothing of them reaches the next frame") {
    const std::string path = bundle("f32_colour").string();
    Denoiser denoiser(path, "sensor", kStill), reference(path, "sensor", kStill);
    const std::size_t row = kSize.width * kSize.channels, top = 14 * row;
    Frame first = frame(0);
    next(reference, first);
    std::fill(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(top), std::nanf(""));
    const Frame before = next(denoiser, first);
    CHECK(std::isnan(before[top - 1]));
    CHECK(std::isfinite(before[top]));
    const Frame after = next(denoiser, frame(1)), whole = next(reference, frame(1));
    const Frame alone = denoise(denoiser, frame(1), kSize);
    const auto part = [&](const Frame &of, std::size_t start, std::size_t stop) {
        return Frame(of.begin() + static_cast<std::ptrdiff_t>(start * row),
                     of.begin() + static_cast<std::ptrdiff_t>(stop * row));
    };
    CHECK(apart(part(after, 0, 12), part(alone, 0, 12)) < 0.3 * apart(part(after, 0, 12), part(whole, 0, 12)));
    CHECK(apart(part(after, 20, 70), part(whole, 20, 70)) < 0.3 * apart(part(after, 20, 70), part(alone, 20, 70)));

    const Frame nothing(frame(0).size(), 0.5F);
    CHECK(next(denoiser, nothing) == nothing);
    CHECK(next(denoiser, frame(2)) == denoise(denoiser, frame(2), kSize));
}

TEST_CASE("in place it is the same, whatever the strides") {
    Denoiser denoiser(videos().front(), "", kStill), other(videos().front(), "", kStill);
    for (unsigned i = 0; i < 3; ++i) {
        Frame planes(frame(i).size()), noisy = frame(i);
        const std::size_t pixels = kSize.height * kSize.width;
        for (std::size_t k = 0; k < planes.size(); ++k) planes[k] = noisy[k % pixels * 3 + k / pixels];
        const zsn2m::Image<float> image(planes.data(), 4 * kSize.width, 4, 4 * pixels);
        denoiser.next(zsn2m::Image<const float>(image.first, image.strides), image, kSize);
        const Frame expected = next(other, noisy);
        for (std::size_t k = 0; k < planes.size(); ++k) CHECK(planes[k] == expected[k % pixels * 3 + k / pixels]);
    }
}

TEST_CASE("handles in threads of their own do not mix, and one handle keeps whole results") {
    const std::string file = videos().front();
    Denoiser reference(file, "", kStill), shared(file, "", kStill);
    const auto expected = run(reference, 0);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            Denoiser own(file, "", kStill);
            wrong += run(own, 0) != expected;
            for (const Frame &result : run(shared, 0)) wrong += !std::isfinite(result[0]);
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
}
