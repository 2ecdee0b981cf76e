#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;

namespace {

constexpr int kThreads = 4;
constexpr int kFrames = 12;
constexpr zsn2m_options kOneThread = {1, 0, {}};

void in_threads(const std::function<void(int)> &work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread &thread : threads) thread.join();
}

// Frames of sizes that differ from thread to thread and from call to call; how many results were wrong.
int wrong_results(const std::function<const Denoiser &(int)> &denoiser_of, const Denoiser &reference) {
    std::vector<std::vector<std::uint8_t>> noisy(kThreads), expected(kThreads);
    std::vector<zsn2m_size> sizes(kThreads);
    for (unsigned i = 0; i < kThreads; ++i) {
        sizes[i] = {40 + 8 * i, 64 - 7 * i, 3};
        noisy[i] = noisy_frame<std::uint8_t>(sizes[i], 255, i);
        expected[i] = denoise(reference, noisy[i], sizes[i]);
    }
    std::atomic<int> wrong{0};
    in_threads([&](int thread) {
        for (int frame = 0; frame < kFrames; ++frame) {
            const auto i = static_cast<std::size_t>((thread + frame) % kThreads);
            wrong += denoise(denoiser_of(thread), noisy[i], sizes[i]) != expected[i];
        }
    });
    return wrong;
}

} // namespace

TEST_CASE("one denoiser serves several threads at once") {
    for (const auto &file : model_files("u8_colour")) {
        INFO(file.string());
        const Denoiser reference(file.string(), "", kOneThread);
        const Denoiser shared(file.string(), "", kOneThread); // fresh: its first calls collide too
        CHECK(wrong_results([&](int) -> const Denoiser & { return shared; }, reference) == 0);
    }
}

TEST_CASE("several denoisers are opened and used by threads of their own") {
    for (const std::string &suffix : suffixes()) {
        std::vector<std::unique_ptr<Denoiser>> own(kThreads);
        const std::string path = (bundle("u8_colour") / ("sensor" + suffix)).string();
        in_threads([&](int thread) {
            own[static_cast<std::size_t>(thread)] = std::make_unique<Denoiser>(path, "", kOneThread);
        });
        const auto denoiser_of = [&](int thread) -> const Denoiser & { return *own[static_cast<std::size_t>(thread)]; };
        CHECK(wrong_results(denoiser_of, Denoiser(path, "", kOneThread)) == 0);
    }
}

TEST_CASE("the number of threads changes no pixel by more than rounding") {
    const zsn2m_size size = {64, 96, 3};
    const auto noisy = noisy_frame<float>(size, 1);
    for (const auto &file : model_files("f32_colour")) {
        INFO(file.string());
        const auto one = denoise(Denoiser(file.string(), "", {1, 0, {}}), noisy, size);
        CHECK(largest_difference(one, denoise(Denoiser(file.string(), "", {2, 0, {}}), noisy, size)) <= 1e-5);
    }
}

TEST_CASE("the text of an error belongs to the thread that got it") {
    CHECK(try_open("/nowhere/one").status == ZSN2M_BUNDLE);
    std::string seen = "?";
    std::thread([&] {
        seen = zsn2m_last_error();
        try_open("/nowhere/two");
    }).join();
    CHECK(seen.empty());
    CHECK(std::string(zsn2m_last_error()).find("/nowhere/one") == 0);
}

TEST_CASE("an error's text may be as long as it likes") {
    const std::string path(10000, 'x');
    CHECK(try_open(path).status == ZSN2M_BUNDLE);
    CHECK(std::string(zsn2m_last_error()).size() < path.size());
}
