"""Denoise what OpenCV captures: python opencv_capture.py BUNDLE SOURCE TARGET.

pip install 'zsn2m-deploy[cpu]'. SOURCE is the number of a camera, a video, or images as noisy_%03d.png; TARGET a video,
or images as clean_%03d.png. Frames are 8 bits in the order B, G, R, as OpenCV has them; a source that ends, or Ctrl-C,
ends the recording. `zsn2m-deploy stream` does the same, and keeps times, sound and depth.
"""

import sys
from collections.abc import Iterator
from contextlib import suppress

import cv2
import numpy as np

from zsn2m_deploy import Denoiser

bundle, source, target = sys.argv[1:]
capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
if not capture.isOpened():
    sys.exit(f"{source}: expected a camera, a video or numbered images that OpenCV reads")


def frames() -> Iterator[np.ndarray]:
    """What is captured, as R, G, B."""
    while True:
        there, frame = capture.read()
        if not there:
            return
        yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


denoiser = Denoiser(bundle, "video")  # quick; without "video" better, and slower
writer = None
with suppress(KeyboardInterrupt):
    for clean in denoiser.stream(frames()):  # a thread captures the next frame meanwhile
        if writer is None:
            size, images = clean.shape[1::-1], "%" in target
            code = 0 if images else cv2.VideoWriter_fourcc(*"mp4v")
            rate = 0 if images else capture.get(cv2.CAP_PROP_FPS) or 25
            writer = cv2.VideoWriter(target, code, rate, size)
            if not writer.isOpened():
                sys.exit(f"{target}: expected a name that OpenCV can write, such as clean.mp4 or clean_%03d.png")
        writer.write(cv2.cvtColor(clean, cv2.COLOR_RGB2BGR))
if writer is None:
    sys.exit(f"{source}: expected frames, but got none")
writer.release()
