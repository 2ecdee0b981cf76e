// Frames, bundles and folders that many tests share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "zsn2m/zsn2m.h"
#include "zsn2m/zsn2m.hpp"

namespace zsn2m::testing {

// The bundles that tests/make_bundles.py wrote. The last one's models are of kinds that no code here knows, and a
// SensorNet of full size; the others have a small one of the default's network, and of the paper's two.
constexpr const char *kBundles[] = {"u8_colour", "u16_grey", "f32_colour", "i16_grey", "u16_colour", "u16_mosaic"};
std::filesystem::path bundle(const std::string &name);

// Suffixes of the model files that this build runs (.onnx, .ts); the first one is that of a bundle's models.
std::vector<std::string> suffixes();

// The file that a bundle's model is run from.
std::filesystem::path model_file(const std::string &bundle_name, const std::string &model);

// Every model file of a bundle that this build runs, or those of one suffix, whatever models it has.
std::vector<std::filesystem::path> model_files(const std::string &bundle_name);
std::vector<std::filesystem::path> model_files(const std::string &bundle_name, const std::string &suffix);

// A folder for one test's files; gone at the end of it.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;

    const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

// A copy of a bundle, to be damaged.
std::filesystem::path copy_bundle(const std::string &name, const TemporaryFolder &folder);

std::string read_bytes(const std::filesystem::path &path);
void write_bytes(const std::filesystem::path &path, const std::string &bytes);
void replace_in_file(const std::filesystem::path &path, const std::string &old_text, const std::string &new_text);
void flip_bit(const std::filesystem::path &path, std::size_t at);

// Status of opening, and the text where it failed.
struct Opened {
    zsn2m_status status;
    std::string text;
};
Opened try_open(const std::filesystem::path &path, const char *model = nullptr);

// Whether opening failed with a status and a whole message, in which `what` stands.
bool says(const Opened &opened, zsn2m_status status, const std::string &what);

// Packed samples of a noisy ramp from 0 to white.
template <typename Sample>
std::vector<Sample> noisy_frame(zsn2m_size size, double white, unsigned seed = 0) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> noise(-0.2, 0.2);
    std::vector<Sample> samples(size.height * size.width * size.channels);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double ramp = 0.2 + 0.6 * static_cast<double>(i) / static_cast<double>(samples.size());
        samples[i] = static_cast<Sample>((ramp + noise(generator)) * white);
    }
    return samples;
}

template <typename Sample>
std::vector<Sample> denoise(const Denoiser &denoiser, const std::vector<Sample> &noisy, zsn2m_size size) {
    std::vector<Sample> denoised(noisy.size());
    denoiser(noisy.data(), denoised.data(), size);
    return denoised;
}

// Largest absolute difference.
template <typename Sample>
double largest_difference(const std::vector<Sample> &one, const std::vector<Sample> &other) {
    double largest = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        const double difference = static_cast<double>(one[i]) - static_cast<double>(other[i]);
        largest = std::max(largest, difference < 0 ? -difference : difference);
    }
    return largest;
}

} // namespace zsn2m::testing
