"""Every tolerance of the tests in one table: what is compared, how far apart it may be, and why that much.

Differences are fractions of the normalisation's scale (the sensor's range in use) unless the comment says other.
"""

from __future__ import annotations

# Eager, TorchScript and onnxruntime on any frame, and a bundle's self-test on another machine. The product's own gate;
# correct float32 runtimes differ by about 1e-6, a wrong weight or border by more than 1e-3.
PARITY = 1e-4

# A frame in strips against the whole frame, one runtime. MBD-Net has no strides: the same sums in the same order.
STRIPS_MBD = 0.0
# GRD-Net: the same sums, but a convolution may block them by the size of its input. Measured: 0 with onnxruntime 1.32;
# a halo that is one stride too short gives more than 20 times this.
STRIPS_GRD = 1e-6

# The default: as GRD-Net. Measured: 0 with onnxruntime 1.32.
STRIPS_SENSOR = 1e-6

# Standard deviation of synthetic white noise, as a fraction of the true one: the median of 16,000 coefficients has a
# standard error of 1 %.
SIGMA = 0.05

# Other precisions and providers in strips against the whole frame: sums in another order may give a value the next step
# of its precision. Measured: 0 for MBD-Net and GRD-Net in all three, with onnxruntime 1.32 and OpenVINO (1.24).
STRIPS = {"fp32": STRIPS_GRD, "fp16": 1e-3, "int8": 8e-3}
