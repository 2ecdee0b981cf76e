// Blank areas: samples without noise that belong to no scene (padding of any value, what is not finite). They are kept
// as they are, and hidden from the network. As zsn2m_runtime/blank/areas.py.
#pragma once

#include <optional>
#include <vector>

#include "mask.h"
#include "pixels.h"

namespace zsn2m::core {

// Which pixels of a frame are blank; nothing where none is, the usual case, which is quickly decided.
template <typename Sample>
std::optional<Mask> blank_areas(const View<const Sample> &frame);

// Packed samples of a frame whose blank areas are filled by the mirror image of what is beside them. At least one pixel
// must not be blank.
//
// A blank pixel mirrors at the nearest of its four rims (left, right, above, below; the first of equally near ones).
// Pixels without a rim are filled afterwards, from filled ones.
template <typename Sample>
std::vector<Sample> filled(const View<const Sample> &frame, Mask blank);

// The same for a mosaic of colour filters, in cells of 2 x 2 pixels: a plane of one filter mirrors in itself. As
// without_blank() of zsn2m_runtime/mosaic_planes.py.
template <typename Sample>
std::optional<Mask> blank_cells(const View<const Sample> &mosaic);
template <typename Sample>
std::vector<Sample> with_filled_cells(const View<const Sample> &mosaic, const Mask &blank);

// The samples of a frame where a mask is set, row by row; put_back() writes them to the same places.
template <typename Sample>
std::vector<Sample> samples_of(const View<const Sample> &frame, const Mask &mask);
template <typename Sample>
void put_back(const std::vector<Sample> &samples, const Mask &mask, const View<Sample> &frame);

// A view of packed samples.
template <typename Sample>
View<const Sample> packed(const std::vector<Sample> &samples, Size size) {
    return {samples.data(), check_strides(nullptr, samples.data(), size, sizeof(Sample), "frame"), size};
}

} // namespace zsn2m::core
