// The mean of noisy frames along their motion, before the network. As zsn2m_runtime/fusion.py, where the method is
// described; tests/compare_with_python.py holds the two together.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "clipping.h"
#include "light.h"
#include "mask.h"
#include "noise.h"
#include "pixels.h"
#include "rising_line.h"

namespace zsn2m::core {

constexpr std::int64_t kFusionCell = 2; // pixels, side of a cell

inline std::int64_t cells_of(std::int64_t pixels) { return (pixels + kFusionCell - 1) / kFusionCell; }

// The mean of frames where their content is in the latest.
struct Mean {
    std::vector<float> planes;   // (channels, height, width), sensor units
    std::vector<float> variance; // of its noise over that of a frame: (height / 2, width / 2), halves rounded up
    std::vector<float> doubt{};  // the same, what moving it may have put wrong, for the next frame; empty: nothing
    std::vector<float> levels{}; // of its cells, a channel after the other; empty: of one frame

    void be_one_frame(Size size); // whose planes are there already

    // As it would be in the light of the next frame, a value a channel; clipping: of the samples that were averaged.
    Mean relit(const std::vector<Light> &light, Size size, const std::vector<Clipping> &clipping) const;

    // Standard deviation of its noise at each pixel, (height, width), over that of a frame's, so many times.
    std::vector<float> strengths(Size size, float times) const;
};

// Takes frames into a mean. Keeps buffers: for one thread at a time.
class Fusion {
public:
    // told: whether the network is told how strong the noise is
    Fusion(const Noise &noise, bool told);

    // The mean before as it would be in a frame's light; nothing where that is the same.
    std::optional<Mean> in_light_of(const float *noisy, const Mean &before, Size size, double strength) const;

    // The mean with one more frame: `frame` holds its planes, and becomes the mean. At least 6 x 6 pixels.
    //
    // before: where its content is in the frame. strength: standard deviation of the frame's noise over that of the
    // bundle. fresh: where nothing was before; nullptr: nowhere.
    void operator()(const Mean &before, Mean &frame, Size size, double strength, const Mask *fresh);

    // The planes of a mean of frames without what clipping added, for a network; of one frame, and where that is better,
    // those of the frame.
    std::vector<float> in_light(const Mean &mean, Size size) const;

private:
    struct Cells {
        std::int64_t rows, columns;
    };

    void measure_changes(const Mean &before, const Mean &frame, Size size);
    void follow_parts(Cells cells);
    void weigh(const Mean &before, Cells cells);
    bool is_clipped(std::size_t channel, std::size_t cell) const;
    bool is_whole(std::int64_t row, std::int64_t column, Cells cells) const;
    bool is_weak(const std::vector<float> &variance, Cells cells) const;
    float shared(const std::vector<float> &variance, Cells cells) const;
    void apply(const Mean &before, Mean &frame, Size size, const Mask *fresh) const;
    void find_levels(Mean &mean) const;
    bool is_clipped() const { return std::isfinite(noise_.end_low) || std::isfinite(noise_.end_high); }
    std::vector<Clipping> clipping(double strength) const;

    Noise noise_;
    bool told_;
    std::vector<RisingLine> lines_, now_; // of the bundle's noise and the latest frame's: one a channel
    float most_energy_, most_single_, most_near_;
    double left_of_part_;
    std::vector<std::vector<float>> levels_;   // of the mean's cells, a channel
    std::vector<std::vector<float>> brighter_; // what is added to them, in sensor units; empty: nothing
    // A value a cell, in units of the noise of a frame:
    std::vector<std::vector<float>> changes_; // mean change of each channel, of its standard deviation
    std::vector<float> squares_;              // mean square of the change, mean of the channels
    std::vector<float> energy_;               // the same over a square of cells
    std::vector<float> weight_;               // of the frame in the mean
    std::vector<float> frame_;                // planes of the latest frame, where they are better; empty: they are not
};

} // namespace zsn2m::core
