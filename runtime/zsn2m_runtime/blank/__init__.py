"""Blank areas of frames: padding, bars, masks; found, filled for the network, and kept as they were."""
