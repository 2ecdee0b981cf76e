"""Devices and precisions: what is chosen, what is refused, and bf16 against float32."""

from __future__ import annotations

import pytest
import torch

from zsn2m_deploy.config.networks import MbdConfig
from zsn2m_deploy.fit.device import resolve_device, resolve_precision, with_precision
from zsn2m_deploy.paper.networks import MbdNet
from zsn2m_runtime.errors import UnavailableError, UsageError

CPU = torch.device("cpu")


def test_auto_takes_cuda_only_where_it_is() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize("name", ["gpu", "mps", "meta", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="expected device"):
        resolve_device(name)


def test_an_absent_device_is_explained() -> None:
    with pytest.raises(UnavailableError, match="CUDA devices"):
        resolve_device("cuda:63")


def test_precision_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for expected, found in (
        ("bf16", {"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}),
        ("bf16", {"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}),
        ("fp32", {"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}),
        ("fp32", {"cpu_name": "AMD EPYC", "avx512_bf16": False}),
        ("fp32", {}),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=found: found)
        assert resolve_precision("auto", CPU) == expected
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert resolve_precision("auto", torch.device("cuda")) == "fp16"
    with pytest.raises(UsageError, match="fp16"):
        resolve_precision("fp16", CPU)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_result_is_float32_and_close(precision: str) -> None:
    network = MbdNet(3, MbdConfig())
    noisy = torch.rand(1, 3, 16, 16)
    result = with_precision(network, CPU, precision)(noisy)  # type: ignore[arg-type]
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, network(noisy), atol=1e-5 if precision == "fp32" else 2e-2, rtol=0)
