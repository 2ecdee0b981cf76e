#include "mosaic.h"

#include <algorithm>
#include <cstddef>

namespace zsn2m::core {
namespace {

// Where a sample of a plane is in a mosaic: mirrored left to right where the pattern begins with green.
struct Places {
    Size mosaic;
    Size planes;
    bool turned;

    Places(Size size, const std::string &pattern)
        : mosaic(size), planes(size_of_planes(size)), turned(pattern.front() == 'G') {}

    // The row and column of a mosaic with even sides; calls visit(index in the planes, row, column).
    template <typename Visit>
    void for_each(Visit visit) const {
        std::size_t index = 0;
        for (std::int64_t place = 0; place < kPlanesOfMosaic; ++place) {
            for (std::int64_t row = 0; row < planes.height; ++row) {
                for (std::int64_t column = 0; column < planes.width; ++column, ++index) {
                    const std::int64_t across = 2 * column + place % 2;
                    visit(index, 2 * row + place / 2, turned ? 2 * planes.width - 1 - across : across);
                }
            }
        }
    }
};

// An odd side is continued by its last row or column but one.
std::int64_t inside(std::int64_t place, std::int64_t length) {
    return place < length ? place : std::max<std::int64_t>(length - 2, 0);
}

} // namespace

Size size_of_planes(Size mosaic) { return {(mosaic.height + 1) / 2, (mosaic.width + 1) / 2, kPlanesOfMosaic}; }

void split_mosaic(const float *mosaic, Size size, const std::string &pattern, float *planes) {
    Places(size, pattern).for_each([&](std::size_t index, std::int64_t row, std::int64_t column) {
        planes[index] = mosaic[inside(row, size.height) * size.width + inside(column, size.width)];
    });
}

void join_mosaic(const float *planes, Size size, const std::string &pattern, float *mosaic) {
    Places(size, pattern).for_each([&](std::size_t index, std::int64_t row, std::int64_t column) {
        if (row < size.height && column < size.width) mosaic[row * size.width + column] = planes[index];
    });
}

Mask mask_of_planes(const Mask &mosaic, const std::string &pattern) {
    const Size size = {mosaic.height, mosaic.width, 1};
    const Places places(size, pattern);
    Mask mask(places.planes.height, places.planes.width);
    places.for_each([&](std::size_t index, std::int64_t row, std::int64_t column) {
        const std::int64_t pixel = inside(row, size.height) * size.width + inside(column, size.width);
        if (mosaic[pixel]) mask.flags[index % mask.flags.size()] = 1;
    });
    return mask;
}

} // namespace zsn2m::core
