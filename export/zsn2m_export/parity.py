"""The gate: eager, TorchScript and onnxruntime must give the same pixels, or nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from zsn2m_export.torchscript import load_torchscript
from zsn2m_runtime.errors import CheckFailedError
from zsn2m_runtime.image import Nchw
from zsn2m_runtime.manifest import Parity
from zsn2m_runtime.session import Session
from zsn2m_runtime.verify import TOLERANCE, largest_difference

# Heights and widths compared besides the frame's own crop: smallest, odd, prime, and no multiples of a stride.
NASTY_SIZES = ((1, 1), (1, 7), (3, 5), (16, 16), (37, 53), (61, 24))


def probe_frames(frame: Nchw, value_range: tuple[float, float]) -> list[Nchw]:
    """The frame's crop, cuts of it in the nasty sizes, and noise over the whole range at each of those sizes.

    A dark crop alone proves nothing: every network's output may be clamped to black there.

    Shape:
        frame: (1, c, h, w) sensor units
        returns: each (1, c, height, width)
    """
    generator = np.random.default_rng(0)
    probes = [frame]
    for height, width in NASTY_SIZES:
        down, right = -(-height // frame.shape[2]), -(-width // frame.shape[3])
        probes.append(np.ascontiguousarray(np.tile(frame, (1, 1, down, right))[:, :, :height, :width]))
        probes.append(generator.uniform(*value_range, (1, frame.shape[1], height, width)).astype(np.float32))
    return probes


@torch.no_grad()
def check_parity(graph: nn.Module, files: dict[str, Path], probes: Sequence[Nchw], scale: float, name: str) -> Parity:
    """Compare the exported files of a graph with the graph itself on every probe.

    Args:
        files: "torchscript" and "onnx" of the same graph
        scale: sensor units that count as 1
        name: how messages call the model
    Raises:
        CheckFailedError: if they differ by more than the tolerance, or anything is not finite.
    """
    script = load_torchscript(files["torchscript"])
    session = Session(files["onnx"], provider="cpu")
    worst = {"torchscript": 0.0, "onnxruntime": 0.0}
    for probe in probes:
        eager = graph(torch.from_numpy(probe)).numpy()
        results = {"torchscript": script(torch.from_numpy(probe)).numpy(), "onnxruntime": session.run(probe)}
        for runtime, result in results.items():
            difference = largest_difference(eager, result) / scale
            worst[runtime] = max(worst[runtime], difference)
            if not difference <= TOLERANCE:
                raise CheckFailedError(
                    f"{name}: expected {runtime} to equal the eager network within {TOLERANCE:g} of the range in use, "
                    f"but on a {probe.shape[2]} x {probe.shape[3]} frame they differ by {difference:g}; "
                    f"nothing was written; check the versions of torch, onnx and onnxruntime with: zsn2m-deploy doctor"
                )
    sizes = tuple((probe.shape[2], probe.shape[3]) for probe in probes)
    return Parity(**worst, tolerance=TOLERANCE, probes=sizes)
