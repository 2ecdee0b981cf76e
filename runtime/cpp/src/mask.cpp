#include "mask.h"

#include <algorithm>

namespace zsn2m::core {

bool Mask::any() const { return std::find(flags.begin(), flags.end(), 1) != flags.end(); }

bool Mask::all() const { return std::find(flags.begin(), flags.end(), 0) == flags.end(); }

Mask all_from(Mask mask, Rectangle size) {
    std::vector<std::int64_t> below(static_cast<std::size_t>(mask.width)); // rows in which all to the right are set
    for (std::int64_t row = mask.height - 1; row >= 0; --row) {
        std::int64_t right = 0;
        for (std::int64_t column = mask.width - 1; column >= 0; --column) {
            std::uint8_t &flag = mask[row * mask.width + column];
            std::int64_t &rows = below[static_cast<std::size_t>(column)];
            right = flag ? right + 1 : 0;
            rows = right >= size.width ? rows + 1 : 0;
            flag = rows >= size.height;
        }
    }
    return mask;
}

Mask any_to(Mask mask, Rectangle size) {
    std::vector<std::int64_t> below(static_cast<std::size_t>(mask.width)); // rows that a flag still reaches
    for (std::int64_t row = 0; row < mask.height; ++row) {
        std::int64_t right = 0;
        for (std::int64_t column = 0; column < mask.width; ++column) {
            std::uint8_t &flag = mask[row * mask.width + column];
            std::int64_t &rows = below[static_cast<std::size_t>(column)];
            right = flag ? size.width : std::max<std::int64_t>(0, right - 1);
            rows = right > 0 ? size.height : std::max<std::int64_t>(0, rows - 1);
            flag = rows > 0;
        }
    }
    return mask;
}

Lines rows_of(std::int64_t height, std::int64_t width) { return {height, width, width, 1}; }

Lines columns_of(std::int64_t height, std::int64_t width) { return {width, height, 1, width}; }

} // namespace zsn2m::core
