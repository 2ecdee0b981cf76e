"""The most that fields of the configuration take: beyond it a run could only end without memory, time or digits.

Each is far from what is of use; a typing slip (a zero too many, 1e300) is refused before anything is computed.
"""

from __future__ import annotations

# Steps: 4 bytes of loss are kept for each, and so many of the shortest take days.
MOST_ITERATIONS = 10_000_000
# float32, in which weights are kept, ends at 3.4e38; a step is a small multiple of the rate.
MOST_LEARNING_RATE = 1e30
# Terms of a loss of about 1, and the gradients made of them, stay within float32 (and fp16's scaling) with that.
MOST_WEIGHT = 1e6
# Pixels: a step takes crop_side^2 of them, at 48 channels of float32 3 GB for each layer's result.
MOST_CROP_SIDE = 4096
MOST_CROPS = 65_536  # as many of the smallest, 16 x 16, are MOST_CROP_SIDE^2 pixels
MOST_SCENES = 1000  # 192 x 192 colour pixels of float32 each: 442 MB
# Channels: six levels of so many have some 200 million weights, and training keeps four numbers for each.
MOST_CHANNELS = 1024
# The range in use is 1 where networks compute; what is added to it, or divided by, is of no other order.
SMALLEST_POSITIVE, LARGEST_POSITIVE = 1e-12, 1e6
