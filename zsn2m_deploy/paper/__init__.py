"""The published method, whole: downsamplers, losses, networks, stages (Zero-Shot Noise2Mean, AAAI 2025)."""
