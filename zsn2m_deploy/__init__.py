"""One noisy frame in, a denoiser specialised to its sensor out.

    import zsn2m_deploy as zsn2m

    bundle = zsn2m.train_and_export("frame.png", "cam0.zsn2m")
    denoise = zsn2m.Denoiser("cam0.zsn2m")
    clean = denoise(frame)

Names load on first use: importing this package loads none of torch, onnx, onnxruntime or cv2.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsn2m_deploy.api import train_and_export
    from zsn2m_deploy.bundle.export import export
    from zsn2m_deploy.config.loading import load_config
    from zsn2m_deploy.config.training import TrainConfig
    from zsn2m_deploy.frames.reading import FrameOptions
    from zsn2m_runtime.bundle import Bundle, load_bundle
    from zsn2m_runtime.denoiser import Denoiser
    from zsn2m_runtime.errors import Zsn2mError
    from zsn2m_runtime.self_ensemble import SelfEnsemble

__all__ = [
    "Bundle",
    "Denoiser",
    "FrameOptions",
    "SelfEnsemble",
    "TrainConfig",
    "Zsn2mError",
    "export",
    "load_bundle",
    "load_config",
    "train_and_export",
]

_HOMES = {
    "Bundle": "zsn2m_runtime.bundle",
    "Denoiser": "zsn2m_runtime.denoiser",
    "FrameOptions": "zsn2m_deploy.frames.reading",
    "SelfEnsemble": "zsn2m_runtime.self_ensemble",
    "TrainConfig": "zsn2m_deploy.config.training",
    "Zsn2mError": "zsn2m_runtime.errors",
    "export": "zsn2m_deploy.bundle.export",
    "load_bundle": "zsn2m_runtime.bundle",
    "load_config": "zsn2m_deploy.config.loading",
    "train_and_export": "zsn2m_deploy.api",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("export", "train_and_export"):
        from zsn2m_deploy.requirements import require_training

        require_training()
    return getattr(importlib.import_module(_HOMES[name]), name)
