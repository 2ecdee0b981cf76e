"""The noise that averaging leaves: how strong it is drawn, and what interpolation makes of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from zsn2m_deploy.video import fused


def test_it_is_as_a_frame_has_it_or_weaker_and_seldom_stronger() -> None:
    strength, _ = fused.fused_noise(10000, torch.Generator().manual_seed(0))
    weaker, louder = float((strength < 1).float().mean()), float((strength > 1).float().mean())
    assert weaker == pytest.approx(fused.FUSED * (1 - fused.LOUDER), abs=0.02)
    assert louder == pytest.approx(fused.LOUDER, abs=0.02)
    assert float(strength.min()) >= fused.LEAST_LEFT
    assert float(strength.max()) <= fused.MOST_GAIN


def test_it_is_moved_as_opencv_moves_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "FUSED", 1.0)
    monkeypatch.setattr(fused, "LOUDER", 0.0)
    noise = torch.randn(3, 2, 24, 32, generator=torch.Generator().manual_seed(0))
    for shifted in (1.0, 0.0):
        monkeypatch.setattr(fused, "SHIFTED", shifted)
        seeds = torch.Generator().manual_seed(5)
        _, shift = fused.fused_noise(3, seeds)
        seeds = torch.Generator().manual_seed(5)
        torch.rand(4, 3, generator=seeds)
        down, across = torch.rand(2, 3, generator=seeds) * shifted
        rows, columns = np.mgrid[:24, :32].astype(np.float32)
        expected = np.stack(
            [
                [cv2.remap(plane.numpy(), columns + float(x), rows + float(y), cv2.INTER_CUBIC) for plane in planes]
                for planes, x, y in zip(noise, across, down, strict=True)
            ]
        )
        inside = (..., slice(3, -3), slice(3, -3))
        np.testing.assert_allclose(
            shift(noise).numpy()[inside], expected[inside], atol=0.06
        )  # its table has 1/32 steps
