// Frames in, clean frames out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "card.h"
#include "mask.h"
#include "model.h"
#include "model_file.h"
#include "pixels.h"

namespace zsn2m::core {

// Safe to use from several threads: nothing changes after construction.
class Denoiser {
public:
    struct Options {
        int threads;
        std::int64_t strip_pixels; // 0: the model's usual ones
    };

    // Throws Failure.
    Denoiser(const std::filesystem::path &path, const std::string &model, Options options);

    const Card &card() const noexcept { return card_; }

    // noisy and denoised have the same size; they are the same memory or do not overlap. Blank areas stay what they
    // are, bit for bit. strength: of the noise, 1 as the bundle's; for a model that takes it. Throws Failure.
    template <typename Sample>
    void denoise(const View<const Sample> &noisy, const View<Sample> &denoised, float strength = 1) const;

    // How far results are from the test vectors beside the model, as fractions of the normalisation's scale.
    struct Difference {
        double largest;
        double rms; // root of the mean squared one
    };

    // Throws Failure.
    Difference self_test() const;

private:
    Denoiser(ModelFile file, const std::string &model, Options options);

    template <typename Sample>
    void run_in_strips(const View<const Sample> &noisy, const View<Sample> &denoised, float strength) const;

    std::filesystem::path folder_;
    std::optional<ModelEntry> entry_;
    LoadedModel loaded_;
    Card card_;
    std::int64_t strip_pixels_;
};

} // namespace zsn2m::core
