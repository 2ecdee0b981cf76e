"""Which device and which precision a training run uses, and how it keeps its memory."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from zsn2m_deploy.config.training import Precision
from zsn2m_runtime.errors import UnavailableError, UsageError


def resolve_device(name: str) -> torch.device:
    """The torch device of a name; "auto" is CUDA where there is one, else the CPU.

    Raises:
        UsageError: if the name is no device.
        UnavailableError: if the device is not on this machine.
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
    """fp32, bf16 or fp16; "auto" is bf16 where the hardware multiplies it faster, else fp16 on CUDA, fp32 on the CPU.

    Raises:
        UsageError: for fp16 on the CPU, which has no fast fp16.
    """
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("expected precision fp32 or bf16 on the CPU, but got fp16; use --precision auto")
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if _cpu_gains_from_bf16() else "fp32"


def _cpu_gains_from_bf16() -> bool:
    """With AMX, or AMD's AVX-512, not Intel's alone; measured, docs/decisions/automatic-precision.md."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and "AMD" in found.get("cpu_name", "")))


def with_precision(network: nn.Module, device: torch.device, precision: Precision) -> Callable[[Tensor], Tensor]:
    """The network as a function whose convolutions run in `precision` and whose result is float32.

    Shape:
        the returned function: (b, c, h, w) float32 -> the same
    """
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def apply(noisy: Tensor) -> Tensor:
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not None):
            out: Tensor = network(noisy)
        return out.float()

    return apply


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_KEPT = 1 << 30  # bytes
_USUAL = 32 << 20  # bytes, the largest that every glibc takes for M_MMAP_THRESHOLD
_users = 0
_lock = threading.Lock()


@contextlib.contextmanager
def retained_memory() -> Iterator[None]:
    """Have glibc keep freed memory for the next step instead of returning it to the system at every layer.

    On the CPU a step of MBD-Net takes 10 to 30 % less time (measured, two threads and one). When the last user leaves,
    free memory is given back; glibc's thresholds stay at 32 MB, where they end up by themselves in a process that
    handles large arrays. Without glibc (macOS, Windows, musl) this does nothing.
    """
    global _users
    libc = _glibc()
    with _lock:
        _users += 1
        if libc and _users == 1:
            _set_thresholds(libc, _KEPT)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if libc and _users == 0:
                _set_thresholds(libc, _USUAL)
                libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018  other C libraries lack it
    except (OSError, AttributeError, TypeError):
        return None
    return libc


def _set_thresholds(libc: ctypes.CDLL, size: int) -> None:
    if not libc.mallopt(_M_MMAP_THRESHOLD, size):  # older versions refuse more than 32 MB
        libc.mallopt(_M_MMAP_THRESHOLD, _USUAL)
    libc.mallopt(_M_TRIM_THRESHOLD, size)
