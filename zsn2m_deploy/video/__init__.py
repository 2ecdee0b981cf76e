"""The network of videos: one small network that sees a frame and what it made of the frame before."""
