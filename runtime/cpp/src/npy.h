// Arrays as numpy.save writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zsn2m::core {

struct Array {
    std::vector<std::int64_t> shape;
    std::vector<float> values; // last axis fastest
};

// The array in the bytes of a .npy file of version 1 or 2: float32, little-endian, C order.
//
// `name` is how messages call it. Throws Failure (ZSN2M_BUNDLE) for anything else.
Array read_npy(std::string_view bytes, const std::string &name);

} // namespace zsn2m::core
