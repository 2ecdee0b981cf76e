// One flag for each pixel of a frame, whatever its samples are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace zsn2m::core {

// Pixels are counted row by row.
struct Mask {
    std::int64_t height;
    std::int64_t width;
    std::vector<std::uint8_t> flags; // 0 or 1

    Mask(std::int64_t rows, std::int64_t columns, std::uint8_t flag = 0)
        : height(rows), width(columns), flags(static_cast<std::size_t>(rows * columns), flag) {}

    std::int64_t pixels() const { return height * width; }
    std::uint8_t &operator[](std::int64_t pixel) { return flags[static_cast<std::size_t>(pixel)]; }
    std::uint8_t operator[](std::int64_t pixel) const { return flags[static_cast<std::size_t>(pixel)]; }

    bool any() const;
    bool all() const;
};

struct Rectangle {
    std::int64_t height;
    std::int64_t width;
};

// Whether all of a rectangle are set, at its first pixel.
Mask all_from(Mask mask, Rectangle size);

// Whether any of a rectangle is set, at its last pixel.
Mask any_to(Mask mask, Rectangle size);

// The rows of a frame, or its columns, as lines of places.
struct Lines {
    std::int64_t count;
    std::int64_t length;
    std::int64_t across; // pixels from one line to the next
    std::int64_t along;  // from one place to the next

    std::int64_t pixel(std::int64_t of, std::int64_t place) const { return of * across + place * along; }
};

Lines rows_of(std::int64_t height, std::int64_t width);
Lines columns_of(std::int64_t height, std::int64_t width);

} // namespace zsn2m::core
