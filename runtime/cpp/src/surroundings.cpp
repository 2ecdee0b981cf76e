#include "surroundings.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace zsn2m::core {
namespace {

constexpr int kLook = 12; // pixels compared beside an area
constexpr int kNear = 3,
              kFar = kLook - 2; // first of two pixels each; nearer ones may be mixed with the area by interpolation
constexpr double kApproached =
    0.6; // near difference over far one; below, the scene approaches the value: light that saturates
constexpr double kOneStep = 1.25; // in smallest steps between values; a difference below is rounding

struct Mean {
    double total = 0;
    std::int64_t count = 0;

    double value() const { return count > 0 ? total / static_cast<double>(count) : std::nan(""); }
};

// Differences from the value, along rows or along columns.
struct Along {
    Mean near, far, everywhere;
};

struct Sums {
    std::int64_t beside = 0; // pixels compared
    std::int64_t after = 0;  // all but the first of each, which differs from the area by definition
    std::int64_t same = 0;   // of those, how many have the area's value
    Along along[2];          // rows, columns
};

// The pixels beside one rim, from the first that has another value.
struct Beside {
    int count = 0;
    std::int64_t pixels[kLook] = {};
    double differences[kLook] = {}; // 0 after the last one
};

// In NumPy's order for twelve numbers: in frames without noise the last bits decide.
double sum(const double (&of)[kLook]) {
    double total = ((of[0] + of[1]) + (of[2] + of[3])) + ((of[4] + of[5]) + (of[6] + of[7]));
    for (int i = 8; i < kLook; ++i) total += of[i];
    return total;
}

void add(Sums &sums, const Beside &beside, bool turned) {
    Along &along = sums.along[turned];
    const auto two_of = [&](int first) { return std::clamp(beside.count - first, 0, 2); };
    sums.beside += beside.count;
    for (int far = 1; far < beside.count; ++far) {
        ++sums.after;
        sums.same += beside.differences[far] == 0;
    }
    along.near.total += beside.differences[kNear] + beside.differences[kNear + 1];
    along.near.count += two_of(kNear);
    along.far.total += beside.differences[kFar] + beside.differences[kFar + 1];
    along.far.count += two_of(kFar);
    along.everywhere.total += sum(beside.differences);
    along.everywhere.count += beside.count;
}

Seen judge(const Sums &sums, double one_step) {
    const double after = static_cast<double>(std::max<std::int64_t>(1, sums.after));
    bool bordered = sums.beside == 0;
    for (const Along &along : sums.along) { // along a rim that is nearly parallel most pixels are mixed
        const bool narrow = along.near.count == 0;
        const double near = (narrow ? along.everywhere : along.near).value();
        bordered |= near > one_step && !(near < kApproached * along.far.value()); // false for a NaN near
    }
    return {static_cast<double>(sums.same) / after, bordered};
}

template <typename Sample>
class Look {
public:
    Look(const View<const Sample> &frame, const Mask &areas, const Mask &blocked)
        : frame_(frame), areas_(areas), blocked_(blocked) {}

    void along(const Lines &lines, const Mask &same, bool turned, bool backwards) {
        const std::int64_t last = lines.length - 1;
        for (std::int64_t line = 0; line < lines.count; ++line) {
            const auto pixel = [&](std::int64_t place) { return lines.pixel(line, backwards ? last - place : place); };
            for (std::int64_t place = 0; place < last; ++place) {
                if (!areas_[pixel(place)] || blocked_[pixel(place + 1)]) continue;
                std::int64_t end = place; // past pixels that have the area's value
                while (end < last && same[pixel(backwards ? end + 1 : end)]) ++end;
                const Rim rim = {pixel(place), value_of(frame_, pixel(place))};
                Beside beside;
                for (std::int64_t next = end + 1; next <= last && beside.count < kLook; ++next) {
                    if (blocked_[pixel(next)]) break;
                    beside.pixels[beside.count++] = pixel(next);
                }
                compare(rim.pixel, beside);
                add(sums_[rim.value], beside, turned);
                rims_.push_back(rim);
            }
        }
    }

    Surroundings result() && {
        const double step = std::isfinite(smallest_step_) ? smallest_step_ : 0;
        Surroundings found{std::move(rims_), {}};
        for (const auto &[value, sums] : sums_) found.seen.emplace(value, judge(sums, kOneStep * step));
        return found;
    }

private:
    Sample sample(std::int64_t pixel, std::int64_t channel) const {
        return sample_at(frame_, pixel / frame_.size.width, pixel % frame_.size.width, channel);
    }

    // Differences from the rim, mean over the channels.
    void compare(std::int64_t rim, Beside &beside) {
        for (int far = 0; far < beside.count; ++far) {
            for (std::int64_t channel = 0; channel < frame_.size.channels; ++channel) {
                const Sample value = sample(beside.pixels[far], channel), inside = sample(rim, channel);
                beside.differences[far] += std::abs(static_cast<double>(value) - static_cast<double>(inside));
                if constexpr (std::is_floating_point_v<Sample>) {
                    if (far == 0) continue;
                    const double step = std::abs(value - sample(beside.pixels[far - 1], channel));
                    if (step > 0) smallest_step_ = std::min(smallest_step_, step);
                }
            }
            beside.differences[far] /= static_cast<double>(frame_.size.channels);
        }
    }

    const View<const Sample> &frame_;
    const Mask &areas_;
    const Mask &blocked_;
    std::vector<Rim> rims_;
    std::unordered_map<std::uint64_t, Sums> sums_;
    // Between neighbours beside areas: 1 for integers; floats may hold rescaled integers, so it is measured.
    double smallest_step_ = std::is_floating_point_v<Sample> ? std::numeric_limits<double>::infinity() : 1;
};

} // namespace

template <typename Sample>
Surroundings look_beside(const View<const Sample> &frame, const Mask &areas, const Mask &blocked, const Alike &alike) {
    Look<Sample> look(frame, areas, blocked);
    for (const bool backwards : {false, true})
        look.along(rows_of(areas.height, areas.width), alike.beside, false, backwards);
    for (const bool backwards : {false, true})
        look.along(columns_of(areas.height, areas.width), alike.below, true, backwards);
    return std::move(look).result();
}

template Surroundings look_beside(const View<const std::uint8_t> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const std::uint16_t> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const float> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const std::int16_t> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const std::uint32_t> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const std::int32_t> &, const Mask &, const Mask &, const Alike &);
template Surroundings look_beside(const View<const double> &, const Mask &, const Mask &, const Alike &);

} // namespace zsn2m::core
