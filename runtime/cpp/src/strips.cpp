#include "strips.h"

#include <algorithm>

namespace zsn2m::core {
namespace {

std::int64_t divide_up(std::int64_t dividend, std::int64_t divisor) {
    return dividend / divisor + (dividend % divisor != 0);
}

} // namespace

std::vector<Strip> plan_strips(std::int64_t height, std::int64_t width, Reach reach, std::int64_t strip_pixels) {
    const std::int64_t stride = reach.stride;
    const std::int64_t halo = divide_up(reach.receptive_radius, stride) * stride;
    const std::int64_t count = divide_up(height * width, strip_pixels);
    const std::int64_t even_share = divide_up(divide_up(height, count), stride) * stride;
    const std::int64_t rows = std::max({stride, kSmallestStrip * halo, even_share});

    std::vector<Strip> strips;
    for (std::int64_t start = 0; start < height; start += rows) {
        strips.push_back({std::max<std::int64_t>(0, start - halo), std::min(height, start + rows + halo), start,
                          std::min(height, start + rows)});
    }
    return strips;
}

} // namespace zsn2m::core
