// Frames in, clean frames out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "card.h"
#include "mask.h"
#include "model.h"
#include "model_file.h"
#include "pixels.h"
#include "sequence.h"

namespace zsn2m::core {

// Safe to use from several threads: nothing changes after construction.
class Denoiser {
public:
    struct Options {
        int threads;
        std::int64_t strip_pixels; // 0: the model's usual ones
        zsn2m_motion motion;
    };

    // Throws Failure.
    Denoiser(const std::filesystem::path &path, const std::string &model, Options options);

    const Card &card() const noexcept { return card_; }

    // noisy and denoised have the same size; they are the same memory or do not overlap. Blank areas stay what they
    // are, bit for bit. strength: of the noise, 1 as the bundle's; for a model that takes it. Throws Failure.
    template <typename Sample>
    void denoise(const View<const Sample> &noisy, const View<Sample> &denoised, float strength = 1) const;

    // What denoise_next() needs to know of the frames before: one for each sequence of frames.
    Sequence sequence() const;

    // As denoise(), of the mean of the frame and those before it, which becomes the next frame's. A frame of another
    // size, and one after a cut, starts anew. strength: 0: it is measured. Throws Failure, and leaves the sequence as
    // it was.
    template <typename Sample>
    void denoise_next(const View<const Sample> &noisy, const View<Sample> &denoised, float strength,
                      Sequence &sequence) const;

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

    // Of a whole frame: (channels, height, width), as it is given. strengths: at each pixel; nullptr: 1.
    std::shared_ptr<const float> run_whole(std::vector<float> &planes, Size size, float *strengths) const;

    std::filesystem::path folder_;
    std::optional<ModelEntry> entry_;
    LoadedModel loaded_;
    Card card_;
    std::int64_t strip_pixels_;
    zsn2m_motion motion_;
};

} // namespace zsn2m::core
