"""Denoise an image with a bundle's model and onnxruntime alone: python onnxruntime_denoise.py MODEL.onnx IN OUT.

pip install numpy onnxruntime opencv-python-headless. MODEL.onnx is a bundle's sensor.onnx, or another of its models
that take float32; IN has the sample type and the channels of the frames that it was trained on. Blank areas are not
hidden from it, as zsn2m-deploy does, and a large frame needs its memory at once.
"""

import os
import sys

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is loaded: it would send data on its use

import cv2
import numpy as np
import onnxruntime

model, source, target = sys.argv[1:]
frame = cv2.imread(source, cv2.IMREAD_UNCHANGED)  # (h, w), or (h, w, 3) in the order B, G, R
if frame is None:
    sys.exit(f"{source}: expected an image that OpenCV reads")
planes = frame[None] if frame.ndim == 2 else frame[:, :, ::-1].transpose(2, 0, 1)  # R, G, B
noisy = planes[None].astype(np.float32)  # (1, c, h, w): the sensor's values as they are

session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
(denoised,) = session.run(["denoised"], {"noisy": noisy})

planes = denoised[0] if frame.dtype.kind == "f" else np.rint(denoised[0])  # the model clamps to the sensor's range
result = planes[0] if frame.ndim == 2 else planes[::-1].transpose(1, 2, 0)
if not cv2.imwrite(target, result.astype(frame.dtype)):
    sys.exit(f"{target}: expected a file that can be written")
