"""Device and precision of a training run."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from zsn2m_deploy.config.training import Precision
from zsn2m_runtime.errors import UnavailableError, UsageError


def resolve_device(name: str) -> torch.device:
    """The torch device of a name; "auto" is CUDA if there is a device, else the CPU.

    Raises:
        UsageError: the name is not auto, cpu, cuda or cuda:N.
        UnavailableError: this machine lacks the device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"expected device auto, cpu, cuda or cuda:N, but got {name!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"expected device auto, cpu, cuda or cuda:N, but got {name!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UnavailableError(
            f"expected device {name}, but this PyTorch ({torch.__version__}) sees {torch.cuda.device_count()} CUDA "
            f"devices; use --device cpu, or install a CUDA build of PyTorch and the driver"
        )
    return device


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """The precision of convolutions; "auto" is bf16 where the hardware is faster with it, else fp16 on CUDA or fp32.

    Raises:
        UsageError: fp16 on the CPU, which is slow at it.
    """
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("expected precision fp32 or bf16 on the CPU, but got fp16; use --precision auto")
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if _cpu_gains_from_bf16() else "fp32"


def _cpu_gains_from_bf16() -> bool:
    """CPUs with AMX, and AMD's with AVX-512 bf16, but not Intel's: docs/decisions/automatic-precision.md."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and "AMD" in found.get("cpu_name", "")))


def with_precision(network: nn.Module, device: torch.device, precision: Precision) -> Callable[..., Tensor]:
    """A function that applies the network with convolutions in `precision`; its result is float32.

    Shape:
        the returned function: what the network takes, each (b, c, h, w) float32 -> (b, c, h, w) float32
    """
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def apply(*frames: Tensor) -> Tensor:
        laid_out = [frame.contiguous(memory_format=torch.channels_last) for frame in frames]
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            out: Tensor = network(*laid_out)
        return out.float()

    return apply


def on_cpu(network: nn.Module) -> Callable[..., Tensor]:
    """A function that applies a network on the CPU in float32, in the layout that takes least time.

    Source: docs/decisions/time-of-instant.md.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return with_precision(network, torch.device("cpu"), "fp32")
