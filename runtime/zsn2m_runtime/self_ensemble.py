"""Denoising a frame in all its orientations, for less error."""

from __future__ import annotations

from zsn2m_runtime.denoiser import Denoiser


class SelfEnsemble(Denoiser):
    """A Denoiser whose results are the mean over a frame's 8 orientations, or 4 flips where rows share noise.

    They have less error, and take so many times the time: docs/decisions/self-ensemble.md.

    Raises:
        UsageError: frames that may not be turned: mosaics, what has its place in the frame is removed, a single file.
    """

    _of_all_orientations = True
