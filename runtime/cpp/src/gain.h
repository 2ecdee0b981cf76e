// Follows the gain of a camera: how strong the noise of a sequence's frames is beside that of the training frames. As
// zsn2m_runtime/gain.py, where the method is described.
#pragma once

#include <vector>

#include "motion.h"
#include "noise.h"
#include "pixels.h"

namespace zsn2m::core {

// A tile's brightness and the power of its diagonal detail, a value a channel.
struct Tile {
    std::vector<double> level;
    std::vector<double> power;
};

class Gain {
public:
    // noises: that the bundle was trained on, at least one for what follows.
    explicit Gain(std::vector<Noise> noises);

    // Standard deviation of the noise over that of the first of them, for the next frame.
    double strength() const { return strength_; }

    // Take the noise that was trained on and is nearest to a frame's, of which nothing is before.
    void start(const float *noisy, Size size);

    // Take in one more frame. flow: where its content was in the result before.
    void update(const float *before, const float *noisy, Size size, const Flow &flow);

private:
    double measured(const std::vector<Tile> &tiles) const;
    std::vector<double> strengths(const std::vector<Tile> &tiles) const;

    std::vector<Noise> noises_;
    double found_ = 1;
    double strength_ = 1;
};

} // namespace zsn2m::core
