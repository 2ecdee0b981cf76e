// Where the content of a frame was before: with OpenCV by optical flow, else where it is. As zsn2m_runtime/motion.py.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "pixels.h"

namespace zsn2m::core {

constexpr bool kWithOpenCv = ZSN2M_WITH_OPENCV;
constexpr std::int64_t kLeastMotionSide = 16; // pixels of frames that have a motion

// Where the content of a frame's pixels was before.
struct Flow {
    // (height, width, 2), x and y in pixels of the frame, from a pixel of a smaller copy to where its content was;
    // empty: everything is where it was.
    std::vector<float> small;
    std::int64_t height = 0;
    std::int64_t width = 0;

    bool moves() const { return !small.empty(); }
};

// Some rows and columns of planes.
struct Part {
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> columns;
};

// Of a camera that stands still, or by optical flow from the result before; nothing after a cut, and below 16 x 16
// pixels. Planes are (channels, height, width), of one size, finite. seen: the noisy mean that the result was made of.
std::optional<Flow> still(const float *previous, const float *noisy, const float *seen, Size size);

// There in libraries built with OpenCV alone.
std::optional<Flow> moved(const float *previous, const float *noisy, const float *seen, Size size);
const char *opencv_version();

// By OpenCV, of a flow that moves; borders are repeated. Planes of the frame before, moved; what bring() has in some
// rows and columns; and a picture of the frame before that is smaller than that, (rows, columns).
void bring(const Flow &flow, const float *planes, Size size, std::vector<float> &moved);
void bring_part(const Flow &flow, const float *planes, Size size, const Part &part, std::vector<float> &moved);
void bring_small(const Flow &flow, const std::vector<float> &picture, std::int64_t rows, std::int64_t columns,
                 Size size, std::vector<float> &moved);

// By OpenCV: where vectors change from pixel to pixel, by how much more than from noise the frame before may differ, in
// units of a frame's variance, of so many cells.
void doubt(const Flow &flow, std::int64_t rows, std::int64_t columns, Size size, std::vector<float> &found);

// A small grey copy, (height, width): the mean of factor x factor pixels and of the channels.
struct SmallGrey {
    std::vector<float> values;
    std::int64_t height;
    std::int64_t width;
};
std::int64_t small_factor(std::int64_t height, std::int64_t width);
SmallGrey small_grey(const float *planes, Size size, std::int64_t factor);

// Whether two pictures show different scenes: neither the detail nor the brightness of the one is in the other. The
// brightness of `seen` has what clipping adds, as that of `now`.
bool is_cut(const SmallGrey &before, const SmallGrey &now, const std::function<SmallGrey()> &seen);

} // namespace zsn2m::core
