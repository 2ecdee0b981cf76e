"""A graph as a TorchScript file that LibTorch loads, with the model's card inside."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import torch
from torch import nn

from zsn2m_runtime.manifest import CARD_KEY


def export_torchscript(graph: nn.Module, path: Path, card: str) -> None:
    """Script a graph (its control flow stays, so any size works) and save it.

    Args:
        card: JSON, readable as the extra file `zsn2m.json` from Python and C++
    """
    with warnings.catch_warnings():
        # torch 2.13 deprecates TorchScript in favour of formats that LibTorch cannot load on another CPU.
        warnings.simplefilter("ignore", DeprecationWarning)
        archive = io.BytesIO()  # not the path: its name, temporary here, would become part of the file
        torch.jit.save(torch.jit.script(graph), archive, _extra_files={CARD_KEY: card})
    path.write_bytes(archive.getvalue())


def load_torchscript(path: Path) -> torch.jit.ScriptModule:
    """Load a TorchScript file as a user of LibTorch would, on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        return module
