"""Others' denoisers of videos, as benchmarks.video runs them."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.video_cases import NOISES, SKIPPED, Clip
from zsn2m_runtime.sample_types import Pixels

Run = Callable[[], list[Pixels]]  # gives the results of the last frames

# The best of a few settings on frames 10 to 25; bm3d with more than one block a group hardly denoises.
FILTERS = {
    "FFmpeg hqdn3d": "hqdn3d=60:60:60:60",
    "FFmpeg atadenoise": "atadenoise=0a=0.3:0b=0.6:1a=0.3:1b=0.6:2a=0.3:2b=0.6:s=9",
    "FFmpeg nlmeans": "nlmeans=s=12",
    "FFmpeg bm3d": "bm3d=sigma=80:bstep=2",
}
NL_MEANS_H, NL_MEANS_WINDOW = 15.0, 5  # OpenCV: strength, the same way, and frames
BM4D = "BM4D, told sigma"
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])  # orthonormal: noise stays the same


def ffmpeg(clip: Clip, name: str) -> Run:
    program = shutil.which("ffmpeg")
    if program is None:
        raise FileNotFoundError(f"{name}: expected the program ffmpeg on the path; install it")
    height, width = clip.noisy[0].shape[:2]
    raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height}".split()
    threads = ["-threads", "1", "-filter_threads", "1"]
    command = [program, "-v", "error", *threads, *raw, "-i", "-", "-vf", f"format=yuv444p,{FILTERS[name]}", *raw, "-"]

    def run() -> list[Pixels]:
        done = subprocess.run(command, input=b"".join(map(np.ndarray.tobytes, clip.noisy)), check=True, stdout=-1)
        return list(np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3))

    return run


def nl_means(clip: Clip) -> Run:
    """The last frames alone, for the time that it takes; the sequence is mirrored at its end."""
    half = NL_MEANS_WINDOW // 2
    padded = [np.ascontiguousarray(frame[..., ::-1]) for frame in clip.noisy + clip.noisy[-2 : -2 - half : -1]]

    def run() -> list[Pixels]:
        return [
            cv2.fastNlMeansDenoisingColoredMulti(padded, index, NL_MEANS_WINDOW, None, NL_MEANS_H, NL_MEANS_H, 7, 21)[
                ..., ::-1
            ]
            for index in range(SKIPPED, len(clip.noisy))
        ]

    return run


def bm4d_volume(clip: Clip) -> Run:
    """The sequence as a volume, each of three opponent colours by itself."""
    from bm4d import bm4d

    photon, deviation = NOISES[clip.noise]
    if photon:
        raise ValueError(f"{BM4D}: expected Gaussian noise, but got {clip.noise}")

    def run() -> list[Pixels]:
        colours: npt.NDArray[np.float64] = np.stack(clip.noisy, axis=2) @ OPPONENT.T  # h, w, frames, colours
        clean = np.stack([bm4d(colours[..., each] / 255, deviation / 255) * 255 for each in range(3)], axis=-1)
        return list(np.rint(clean @ OPPONENT).clip(0, 255).astype(np.uint8).transpose(2, 0, 1, 3))

    return run


PEERS: dict[str, Callable[[Clip], Run]] = {
    "noisy": lambda clip: lambda: clip.noisy,
    **{name: functools.partial(ffmpeg, name=name) for name in FILTERS},
    "OpenCV fastNlMeansDenoisingColoredMulti": nl_means,
    BM4D: bm4d_volume,
}
