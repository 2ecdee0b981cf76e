// Frames of one scene, one after the other: each is averaged with those before it. As zsn2m_runtime/sequence.py.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fusion.h"
#include "gain.h"
#include "mask.h"
#include "motion.h"
#include "pixels.h"

namespace zsn2m::core {

// For one thread at a time.
class Sequence {
public:
    // noises: of the bundle; empty: frames are not averaged. motion: of frames that are; where OpenCV is built in, or
    // ZSN2M_MOTION_NONE.
    // told: whether the network is told how strong the noise is
    Sequence(const std::vector<Noise> &noises, zsn2m_motion motion, bool told);

    bool averages() const { return fusion_.has_value(); }

    // Forget what was: the next frame is denoised by itself.
    void restart();

    // Room for the planes of the next frame, (channels, height, width), finite: to be filled before add().
    std::vector<float> &next(Size size);

    // Make that frame the mean of it and those before; returns the strength of the mean's noise at each pixel.
    //
    // blank: where the frame is. strength: of the frame's noise, 1 as the bundle's; 0: it is measured
    std::vector<float> add(std::optional<Mask> blank, float strength);

    // The planes of that mean for the network, (channels, height, width): without what clipping added.
    std::vector<float> in_light() const;

    // Go on from what the network made of the mean, planes as those of the frame. Before that, nothing has changed.
    void keep(std::shared_ptr<const float> result);

private:
    struct Past {
        Size size;
        Mean mean;
        std::shared_ptr<const float> result; // of the network; nullptr: nothing is known
        std::optional<Mask> blank;           // where the frame was
        Gain gain;
    };

    void add_to_mean(const Flow &flow, float strength);

    std::vector<Noise> noises_;
    zsn2m_motion motion_;
    std::optional<Fusion> fusion_;
    Past past_, next_;
    Mean moved_; // the mean before, where its content is in the next frame
};

} // namespace zsn2m::core
