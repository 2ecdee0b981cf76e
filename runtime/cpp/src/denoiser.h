// Frames in, clean frames out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "card.h"
#include "model.h"
#include "model_file.h"
#include "pixels.h"

namespace zsn2m::core {

// Safe to use from several threads: nothing changes after construction.
class Denoiser {
public:
    struct Options {
        int threads;
        std::int64_t strip_pixels;
    };

    // Throws Failure.
    Denoiser(const std::filesystem::path &path, const std::string &model, Options options);

    const Card &card() const noexcept { return card_; }

    // noisy and denoised have the same size; they are the same memory or do not overlap. Throws Failure.
    template <typename Sample>
    void denoise(const View<const Sample> &noisy, const View<Sample> &denoised) const;

    // Largest difference to the test vectors beside the model, as a fraction of the normalisation's scale. Throws
    // Failure.
    double self_test() const;

private:
    Denoiser(ModelFile file, const std::string &model, Options options);

    std::filesystem::path folder_;
    std::optional<ModelEntry> entry_;
    std::string card_text_; // before model_, which fills it
    Model model_;
    Card card_;
    Options options_;
};

} // namespace zsn2m::core
