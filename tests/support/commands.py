"""Runs `zsn2m-deploy` in this process, writes small frames, and stands in for training."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from support.bundles import noisy_planes
from zsn2m_deploy.cli import main
from zsn2m_deploy.fit.run import FrameGroup
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_deploy.trained import Trained
from zsn2m_runtime.files import save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.model import NoiseModel

COMMANDS = (
    "train-and-export",
    "export",
    "denoise",
    "stream",
    "verify",
    "inspect",
    "bench",
    "doctor",
    "sample",
)


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What is on stdout, read as strictly as other languages read JSON."""

        def refuse(constant: str) -> NoReturn:
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run `zsn2m-deploy ARGUMENTS` in this process."""
    capsys.readouterr()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr(sys, "argv", ["zsn2m-deploy", *map(str, arguments)])
        try:
            main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    code = caught.value.code
    return Ended(code if isinstance(code, int) else 0, *capsys.readouterr())


def write_frame(path: Path, side: int = 20, dtype: str = "uint8") -> Path:
    """A small noisy colour frame."""
    pixels = noisy_planes(3, side, side + 4, 255)[0].transpose(1, 2, 0).astype(dtype)
    save_image(path, Frame(np.ascontiguousarray(pixels)))
    return path


def untrained(frames: list[np.ndarray[Any, Any]], config: Any, *_: object) -> Trained:
    """In the place of training: an MBD-Net with the weights it begins with."""
    noise = NoiseModel.white(np.zeros(3), np.full(3, 81.0))
    groups = (FrameGroup(tuple(range(len(frames))), noise),)
    return Trained(config, 3, 0.0, 255.0, groups, {"mbd": MbdNet(3, config.mbd)}, (), "cpu", "fp32")
