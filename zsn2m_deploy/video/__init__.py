"""The network of videos: one small network, told how strong the noise is, that is given the mean of frames."""
