// Areas of a frame that hold one value exactly: padding, bars, masks; not what is merely dark or saturated. As
// zsn2m_runtime/blank/constant.py, which says why.
#pragma once

#include <optional>

#include "mask.h"
#include "pixels.h"

namespace zsn2m::core {

// Where a frame holds padding of any value; nothing where it holds none, the usual case, which is quickly decided.
//
// given: pixels that are blank for another reason, which are left out; may be NULL
template <typename Sample>
std::optional<Mask> constant_areas(const View<const Sample> &frame, const Mask *given);

} // namespace zsn2m::core
