// Quantiles, as NumPy has them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace zsn2m::core {

// The value below which a share of the values lies, linear between two. At least one value; their order changes.
template <typename Value>
Value quantile(std::vector<Value> &values, double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(place));
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(below);
    std::nth_element(values.begin(), middle, values.end());
    const Value low = *middle;
    if (below + 1 == values.size()) return low;
    const Value high = *std::min_element(middle + 1, values.end());
    return low + static_cast<Value>(place - static_cast<double>(below)) * (high - low);
}

template <typename Value>
Value median(std::vector<Value> &values) {
    return quantile(values, 0.5);
}

} // namespace zsn2m::core
