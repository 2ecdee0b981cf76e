#include "sequence.h"

#include <cstddef>
#include <utility>

namespace zsn2m::core {
namespace {

std::optional<Flow> motion_of(zsn2m_motion motion, const float *previous, const float *noisy, const float *seen,
                              Size size) {
    if constexpr (kWithOpenCv) {
        if (motion != ZSN2M_MOTION_NONE) return moved(previous, noisy, seen, size);
    }
    return still(previous, noisy, seen, size);
}

bool same(Size one, Size other) {
    return one.height == other.height && one.width == other.width && one.channels == other.channels;
}

// Where a mask of the frame before is set in this one, or touches what is.
Mask moved_mask(const Mask &mask, [[maybe_unused]] const Flow &flow) {
    Mask found = mask;
    if constexpr (kWithOpenCv) {
        if (!flow.moves()) return found;
        std::vector<float> moved;
        bring_small(flow, {mask.flags.begin(), mask.flags.end()}, mask.height, mask.width, {mask.height, mask.width, 1},
                    moved);
        for (std::size_t i = 0; i < moved.size(); ++i) found.flags[i] = moved[i] > 0;
    }
    return found;
}

} // namespace

Sequence::Sequence(const std::vector<Noise> &noises, zsn2m_motion motion, bool told)
    : noises_(noises), motion_(motion), past_{{}, {}, {}, {}, Gain(noises)}, next_(past_) {
    if (!noises.empty()) fusion_.emplace(noises.front(), told);
}

void Sequence::restart() {
    past_.result.reset();
    past_.gain = Gain(noises_);
}

std::vector<float> &Sequence::next(Size size) {
    next_.size = size;
    next_.mean.planes.resize(static_cast<std::size_t>(size.channels * size.height * size.width));
    return next_.mean.planes;
}

std::vector<float> Sequence::add(std::optional<Mask> blank, float strength) {
    next_.gain = past_.gain;
    next_.blank = std::move(blank);
    const float *const noisy = next_.mean.planes.data();
    std::optional<Flow> flow;
    if (past_.result && same(past_.size, next_.size)) {
        flow = motion_of(motion_, past_.result.get(), noisy, past_.mean.planes.data(), next_.size);
    }
    if (flow) {
        add_to_mean(*flow, strength);
    } else {
        next_.gain.start(noisy, next_.size);
        next_.mean.be_one_frame(next_.size);
    }
    const double own = strength > 0 ? static_cast<double>(strength) : next_.gain.strength();
    return next_.mean.strengths(next_.size, static_cast<float>(own));
}

std::vector<float> Sequence::in_light() const { return fusion_->in_light(next_.mean, next_.size); }

void Sequence::add_to_mean(const Flow &flow, float strength) {
    const Size size = next_.size;
    const Mean *before = &past_.mean;
    if constexpr (kWithOpenCv) {
        if (flow.moves()) {
            bring(flow, past_.mean.planes.data(), size, moved_.planes);
            bring_small(flow, past_.mean.variance, cells_of(size.height), cells_of(size.width), size, moved_.variance);
            doubt(flow, cells_of(size.height), cells_of(size.width), size, moved_.doubt);
            before = &moved_;
        }
    }
    const float *const noisy = next_.mean.planes.data();
    if (auto relit = fusion_->in_light_of(noisy, *before, size, next_.gain.strength())) {
        moved_ = std::move(*relit);
        before = &moved_;
    }
    next_.gain.update(past_.result.get(), noisy, size, flow);
    std::optional<Mask> fresh = next_.blank;
    if (past_.blank) {
        Mask uncovered = moved_mask(*past_.blank, flow);
        if (fresh) {
            for (std::size_t i = 0; i < uncovered.flags.size(); ++i) uncovered.flags[i] |= fresh->flags[i];
        }
        fresh = std::move(uncovered);
    }
    const double own = strength > 0 ? static_cast<double>(strength) : next_.gain.strength();
    (*fusion_)(*before, next_.mean, size, own, fresh ? &*fresh : nullptr);
}

void Sequence::keep(std::shared_ptr<const float> result) {
    next_.result = std::move(result);
    std::swap(past_, next_);
    next_.result.reset();
}

} // namespace zsn2m::core
