"""The mean over a frame's orientations: what it is, where rows share noise, and where frames may not be turned."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker
from support.commands import run_command, write_frame
from support.known_noise import bundle_knowing, noise, scene, whole

from zsn2m_runtime.bundle import load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import UsageError
from zsn2m_runtime.files import open_image
from zsn2m_runtime.inference.orientations import ALL, FLIPS, Orientation, in_orientations
from zsn2m_runtime.known_frames import KnownFrames
from zsn2m_runtime.mosaic_record import MosaicRecord
from zsn2m_runtime.noise_record import DeadLinesRecord, FixedPatternRecord, RowNoise
from zsn2m_runtime.self_ensemble import SelfEnsemble

SIDE = 46  # no multiple of the network's stride

Array = np.ndarray[Any, Any]


def orientations_of(frame: Array) -> list[Array]:
    """All eight, (h, w, c), by NumPy's own quarter turns."""
    return [np.rot90(way, turns) for way in (frame, frame[:, ::-1]) for turns in range(4)]


def put_back(results: list[Array]) -> list[Array]:
    """What `orientations_of` gave, each as the frame was."""
    back = [np.rot90(result, -turns % 4) for result, turns in zip(results, [0, 1, 2, 3] * 2, strict=True)]
    return [*back[:4], *(result[:, ::-1] for result in back[4:])]


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """Of an 8-bit colour sensor whose noise is independent."""
    return bundle_knowing(make_bundle(method="adapt"), tmp_path, whole(scene() + noise(1)))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (3, 40)])
def test_narrow_frames_are_turned_too(bundle: Path, size: tuple[int, int]) -> None:
    frame = whole(scene(size=(SIDE, SIDE))[: size[0], : size[1]] + noise(2, shape=(*size, 3)))
    alone = Denoiser(bundle, threads=1)
    expected = np.mean(
        put_back([alone(np.ascontiguousarray(one)).astype(float) for one in orientations_of(frame)]), axis=0
    )
    assert np.abs(SelfEnsemble(bundle, threads=1)(frame) - expected).max() <= 1


@pytest.mark.parametrize("strip_pixels", [None, 256])
def test_it_is_the_mean_of_eight(bundle: Path, strip_pixels: int | None) -> None:
    frame = whole(scene(size=(SIDE, 80)) + noise(2, shape=(SIDE, 80, 3)))
    alone = Denoiser(bundle, threads=1)
    of_all = SelfEnsemble(bundle, threads=1)
    each = [alone(np.ascontiguousarray(one)).astype(float) for one in orientations_of(frame)]
    expected = np.mean(put_back(each), axis=0)  # of eight rounded results
    found = SelfEnsemble(bundle, threads=1, strip_pixels=strip_pixels)(frame)
    assert (found.shape, found.dtype) == (frame.shape, frame.dtype)
    assert np.abs(found - expected).max() <= 1  # half of a level by each rounding
    np.testing.assert_array_equal(found, of_all(frame))
    assert np.abs(each[0] - expected).max() > 1


def test_what_is_not_turned_is_as_ever(bundle: Path) -> None:
    frame = whole(scene(size=(SIDE, SIDE)) + noise(2, shape=(SIDE, SIDE, 3)))
    rgba = np.dstack([frame, np.full((SIDE, SIDE), 255, np.uint8)])
    rgba[:9, :9, 3] = 0
    sent = pickle.loads(pickle.dumps(SelfEnsemble(bundle, threads=1)))
    assert repr(sent).startswith("SelfEnsemble(sensor on cpu")
    found = sent(rgba)
    np.testing.assert_array_equal(found[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(found[:9, :9], rgba[:9, :9])
    assert (found[9:, :, :3] != frame[9:]).any()


def test_denoise_has_it(capsys: pytest.CaptureFixture[str], bundle: Path, tmp_path: Path) -> None:
    source = write_frame(tmp_path / "a.png")
    ended = run_command(capsys, "denoise", bundle, source, "-o", tmp_path / "b.png", "--self-ensemble", "--threads", 1)
    assert ended.code == 0
    with open_image(source) as image, open_image(tmp_path / "b.png") as result:
        expected = SelfEnsemble(bundle, threads=1).denoise(image.read())
        np.testing.assert_array_equal(result.read().pixels, expected.pixels)
    ended = run_command(capsys, "denoise", bundle / "sensor.onnx", source, "-o", tmp_path / "c.png", "--self-ensemble")
    assert (ended.code, "open the bundle's folder" in ended.err) == (2, True)


def test_orientations_are_eight_and_can_be_undone() -> None:
    planes = np.arange(2 * 3 * 5, dtype=np.float32).reshape(1, 2, 3, 5)
    turned = [one.of(planes) for one in ALL]
    assert len({one.tobytes() + bytes(one.shape) for one in turned}) == 8
    for one, of_one in zip(ALL, turned, strict=True):
        np.testing.assert_array_equal(one.back(of_one), planes)
    assert {one.shape for one in turned} == {(1, 2, 3, 5), (1, 2, 5, 3)}
    assert Orientation(True, False, True).of(planes)[0, 0, 0].tolist() == [10.0, 5.0, 0.0]  # a quarter turn


def test_a_map_of_strengths_is_turned_with_the_frame() -> None:
    planes = np.random.default_rng(0).random((1, 1, 4, 7), np.float32)
    told = in_orientations(lambda samples, strength: samples * strength, planes, planes[0, 0], ALL)
    np.testing.assert_allclose(told, planes**2, rtol=1e-6)


def known(bundle: Path) -> KnownFrames:
    manifest = load_bundle(bundle).manifest
    return KnownFrames.of(manifest, manifest.card(manifest.models[0]))


def test_rows_that_share_noise_stay_rows(bundle: Path) -> None:
    assert known(bundle).orientations() == ALL
    rows = RowNoise(axis="rows", sigma=3, pixel_sigma=(9, 9, 9), memory=20)
    assert replace(known(bundle), row_noise=(rows,)).orientations() == FLIPS


def test_frames_that_may_not_be_turned_are_refused(bundle: Path) -> None:
    with pytest.raises(UsageError, match="single file"):
        SelfEnsemble(bundle / "sensor.onnx")
    found = known(bundle)
    lines = DeadLinesRecord(columns=(3,), height=SIDE, width=SIDE)
    pattern = FixedPatternRecord(sigma=1, height=SIDE, width=SIDE)
    sensor = found.card.sensor.model_copy(update={"mosaic": MosaicRecord(pattern="RGGB")})
    changed: dict[str, dict[str, Any]] = {"dead lines": {"dead_lines": lines}, "a pattern": {"fixed_pattern": pattern}}
    changed["mosaics"] = {"card": found.card.model_copy(update={"sensor": sensor})}
    for reason, change in changed.items():
        with pytest.raises(UsageError, match=reason):
            replace(found, **change).orientations()
