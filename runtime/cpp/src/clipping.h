// What clipping adds to the mean of frames. As zsn2m_runtime/noise/clipping.py, where the method is described.
#pragma once

namespace zsn2m::core {

// By how much clipping at two ends raised the mean of many samples, whose noise is normal; below 0 at the high end.
//
// mean: of clipped samples. deviation: of the noise before clipping. Ends may be infinite.
float rise_of_mean(float mean, float deviation, double low, double high);

} // namespace zsn2m::core
