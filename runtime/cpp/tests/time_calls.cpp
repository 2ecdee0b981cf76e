// Time of a call, of opening, and memory: time_calls MODEL SIDE THREADS CALLS [tune] [STRIP_PIXELS]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "frames.h"

using namespace zsn2m::testing;

namespace {

constexpr int kWarmUps = 3;

double milliseconds_of(const std::function<void()> &work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Not getrusage's, which starts at what the program that started this one had.
long peak_megabytes() {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind("VmHWM:", 0) == 0) return std::atol(line.c_str() + 6) / 1024; // given in kB
    }
    return 0;
}

double processor_milliseconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const auto milliseconds = [](timeval time) {
        return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
    };
    return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 5) {
        std::cerr << "usage: time_calls MODEL SIDE THREADS CALLS [tune|plain [STRIP_PIXELS]]\n";
        return ZSN2M_USAGE;
    }
    if (argc > 5 && std::strcmp(argv[5], "tune") == 0) zsn2m_tune_allocator();
    const long before = peak_megabytes();
    const zsn2m_options options = {std::atoi(argv[3]), argc > 6 ? std::strtoull(argv[6], nullptr, 10) : 0, {}};
    std::unique_ptr<zsn2m::Denoiser> denoiser;
    const double opening = milliseconds_of([&] { denoiser = std::make_unique<zsn2m::Denoiser>(argv[1], "", options); });
    const long opened = peak_megabytes();
    const auto side = static_cast<std::size_t>(std::atoi(argv[2]));
    const zsn2m_size size = {side, side, 3};
    const auto noisy = noisy_frame<std::uint8_t>(size, 255);
    const auto call = [&] { denoise(*denoiser, noisy, size); };
    const double first = milliseconds_of(call);
    for (int i = 0; i < kWarmUps; ++i) call();

    std::vector<double> times;
    const double processor = processor_milliseconds();
    for (int i = 0; i < std::atoi(argv[4]); ++i) times.push_back(milliseconds_of(call));
    const double processor_per_call = (processor_milliseconds() - processor) / static_cast<double>(times.size());
    std::sort(times.begin(), times.end());
    std::cout << "open " << opening << " ms, first call " << first << " ms, call median " << times[times.size() / 2]
              << " ms, least " << times.front() << " ms, processor " << processor_per_call << " ms; peak memory "
              << before << " MB at start, " << opened << " MB opened, " << peak_megabytes() << " MB at the end\n";
}
