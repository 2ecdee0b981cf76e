"""Mosaic in, mosaic out: planes split and joined, odd sides, every pattern, and what is written in the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from support.bundles import BundleMaker, noisy_planes
from support.tolerances import PARITY
from torch import Tensor, nn

from zsn2m_export.mosaic_graph import MosaicGraph, split
from zsn2m_export.torchscript import load_torchscript
from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.inference.strips import plan_strips, run_in_strips
from zsn2m_runtime.mosaic_planes import mosaic_of, planes_of
from zsn2m_runtime.mosaic_record import BAYER_PATTERNS, BayerPattern
from zsn2m_runtime.sample_types import Pixels

SIZES = ((1, 1), (1, 7), (2, 2), (3, 5), (8, 8), (17, 31), (40, 33))
FILTERS = {"R": 1.0, "G": 2.0, "B": 3.0}


def filters(pattern: BayerPattern, height: int, width: int) -> Tensor:
    """A number for the filter of each pixel, (1, 1, h, w)."""
    cell = np.array([FILTERS[name] for name in pattern]).reshape(2, 2)
    whole = np.tile(cell, (height // 2 + 1, width // 2 + 1))[:height, :width]
    return torch.from_numpy(whole.astype(np.float32))[None, None]


class Recording(nn.Module):
    """A graph of planes that does nothing but keep what it is given."""

    def forward(self, planes: Tensor) -> Tensor:
        self.seen = planes
        return planes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_nothing_is_changed_by_splitting_and_joining(pattern: BayerPattern, size: tuple[int, int]) -> None:
    noisy = torch.rand(2, 1, *size)
    assert torch.equal(MosaicGraph(nn.Identity(), pattern)(noisy), noisy)


@pytest.mark.parametrize("size", [(2, 2), (2, 3), (5, 2), (8, 8), (17, 31)])
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_each_plane_is_behind_one_filter_and_green_is_in_the_middle(
    pattern: BayerPattern, size: tuple[int, int]
) -> None:
    recording = Recording()
    MosaicGraph(recording, pattern)(filters(pattern, *size))
    found = [plane.unique().tolist() for plane in recording.seen[0]]
    assert found in ([[1.0], [2.0], [2.0], [3.0]], [[3.0], [2.0], [2.0], [1.0]])


def test_planes_are_the_cells_pixels_row_by_row() -> None:
    mosaic = torch.arange(24.0).reshape(1, 1, 4, 6)
    expected = [mosaic[0, 0, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    assert torch.equal(split(mosaic)[0], torch.stack(expected))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pattern", BAYER_PATTERNS)
def test_the_graph_sees_the_planes_of_the_runtime(pattern: BayerPattern, size: tuple[int, int]) -> None:
    recording, mosaic = Recording(), np.random.default_rng(0).random(size, np.float32)
    MosaicGraph(recording, pattern)(torch.from_numpy(mosaic)[None, None])
    planes = planes_of(Frame(mosaic), pattern).pixels
    np.testing.assert_array_equal(recording.seen[0].numpy(), planes.transpose(2, 0, 1))
    np.testing.assert_array_equal(mosaic_of(planes, pattern, size), mosaic)


@pytest.fixture(scope="module", params=["RGGB", "GRBG"])
def bundle(request: pytest.FixtureRequest, make_bundle: BundleMaker) -> Path:
    """A bundle for 12-bit mosaics that begin with red, or with green."""
    return make_bundle("uint16", 1, (0.0, 4095.0), "mbd", request.param)


@pytest.mark.parametrize("size", SIZES)
def test_both_files_give_mosaics_of_any_size(bundle: Path, size: tuple[int, int]) -> None:
    noisy = noisy_planes(1, *size, 4095.0)
    by_torch = load_torchscript(bundle / "mbd.ts")(torch.from_numpy(noisy)).numpy()
    by_onnx = Session(bundle / "mbd.onnx", "cpu").run(noisy)
    assert by_onnx.shape == noisy.shape
    np.testing.assert_allclose(by_torch, by_onnx, rtol=0, atol=PARITY * 4095)


def test_the_card_states_the_mosaics_own_stride_and_reach(bundle: Path) -> None:
    (model,) = load_bundle(bundle).manifest.models
    session, position = Session(bundle / "mbd.onnx", "cpu"), 40
    before = session.run(np.full((1, 1, 80, 80), 2000, np.float32))
    spread = 0
    for phase in (0, 1):
        touched = np.full((1, 1, 80, 80), 2000, np.float32)
        touched[0, 0, position + phase, position] = 2500
        rows = np.flatnonzero((session.run(touched) != before)[0, 0].any(axis=1))
        spread = max(spread, int(np.abs(rows - position - phase).max()))
    assert model.stride == 2
    assert spread <= model.receptive_radius <= spread + 1


@pytest.mark.parametrize("size", [(120, 33), (97, 64)])
def test_a_mosaic_in_strips_is_the_whole_mosaic(bundle: Path, size: tuple[int, int]) -> None:
    (model,) = load_bundle(bundle).manifest.models
    noisy, session = noisy_planes(1, *size, 4095.0)[0, 0], Session(bundle / "mbd.onnx", "cpu", 1)

    def run(pixels: Pixels) -> Pixels:
        return np.asarray(session.run(np.ascontiguousarray(pixels[None, None]))[0, 0])

    strips = plan_strips(size, model.stride, model.receptive_radius, 12 * size[1])
    assert len(strips) > 2
    np.testing.assert_array_equal(run_in_strips(run, noisy, strips), run(noisy))


def test_the_graph_holds_no_operator_that_older_readers_refuse(bundle: Path) -> None:
    operators = {node.op_type for node in onnx.load(bundle / "mbd.onnx").graph.node}
    assert not {"SpaceToDepth", "DepthToSpace"} & operators  # the second is not refused, but slow
