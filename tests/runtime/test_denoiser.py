"""The runtime's door: every kind of frame comes back with its shape and dtype, the unsuitable ones are refused.

Frames other than 8-bit colour go through a one-line model (the frame times a gain), whose right answer is known.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.bundles import BundleMaker, Model, edit_manifest, noisy_planes
from support.denoisers import gain_denoiser, write_gain_model
from support.known_noise import SIGMA, bundle_knowing, noise, scene, whole

from zsn2m_runtime import denoiser
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, InputError, UsageError
from zsn2m_runtime.image import Frame
from zsn2m_runtime.inference.session import Session
from zsn2m_runtime.manifest import ModelCard, Sensor
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, is_whole, limits_of

NASTY = ((1, 1), (1, 7), (2, 2), (3, 5), (17, 31))


def colour_frame(height: int, width: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """(h, w, 3) uint8."""
    return np.ascontiguousarray(noisy_planes(3, height, width, 255, seed)[0].transpose(1, 2, 0)).astype(np.uint8)


@pytest.fixture(scope="module")
def mbd(make_bundle: BundleMaker) -> Denoiser:
    """A real network, 8-bit colour."""
    return Denoiser(make_bundle(), model="mbd", threads=1)


@pytest.mark.parametrize("dtype", SAMPLE_DTYPES)
@pytest.mark.parametrize(("channels", "samples"), [(1, ()), (1, (1,)), (3, (3,)), (3, (4,))])
@pytest.mark.parametrize("size", NASTY)
def test_shape_dtype_and_values_stay(
    tmp_path: Path, dtype: str, channels: int, samples: tuple[int, ...], size: tuple[int, int]
) -> None:
    denoiser = gain_denoiser(tmp_path, dtype, channels, (0.0, 127.0), gain=0.5)
    frame = np.random.default_rng(0).integers(0, 128, (*size, *samples)).astype(dtype)
    clean = denoiser(frame)
    assert (clean.shape, clean.dtype) == (frame.shape, frame.dtype)
    expected = np.rint(frame / 2) if is_whole(dtype) else frame / 2
    if samples == (4,):
        expected[:, :, 3] = frame[:, :, 3]  # alpha is carried through
        expected[frame[:, :, 3] == 0] = frame[frame[:, :, 3] == 0]  # and what it hides
    np.testing.assert_array_equal(clean, expected)


@pytest.mark.parametrize("dtype", [name for name in SAMPLE_DTYPES if is_whole(name)])
@pytest.mark.parametrize("channels", [1, 3])
def test_whole_numbers_stop_at_the_ends_of_their_type(tmp_path: Path, dtype: str, channels: int) -> None:
    """float32 has no 4,294,967,295: its neighbour above would wrap to 0."""
    least, most = limits_of(dtype)
    ends = np.array([[least, least + 1, 0, most - 1, most]], dtype)
    frame = ends if channels == 1 else np.dstack([ends, ends[:, ::-1], ends])
    denoiser = gain_denoiser(tmp_path, dtype, channels, (float(least), float(most)), gain=4.0)
    clean = denoiser(frame)
    outward = [frame.astype(object) * 4 < least, frame.astype(object) * 4 > most]
    nearest_inside = most - (most - int(np.nextafter(float(most), 0))) if most > 2**53 else most
    assert clean.dtype == dtype
    assert (clean[outward[0]] == least).all()
    assert (clean[outward[1]] >= nearest_inside).all()
    assert (clean[frame == 0] == 0).all()


@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
def test_wide_whole_numbers_stop_at_the_sensors_range(tmp_path: Path, dtype: str) -> None:
    high = 2**24 + 1  # float32 has its neighbours only
    clean = gain_denoiser(tmp_path, dtype, 1, (0.0, float(high)), gain=4.0)(np.array([[0, high]], dtype))
    assert clean.max() <= high


def test_floats_of_16_bits_stop_at_the_largest_one(tmp_path: Path) -> None:
    frame = np.array([[-60000.0, 1.0, 60000.0]], np.float16)
    clean = gain_denoiser(tmp_path, "float16", 1, (0.0, 1.0), gain=4.0)(frame)
    assert clean.tolist() == [[-65504.0, 4.0, 65504.0]]


def test_floats_that_float32_lacks_are_refused(tmp_path: Path) -> None:
    denoiser = gain_denoiser(tmp_path, "float64", 1, (0.0, 1.0))
    with pytest.raises(InputError, match=r"float32.*1e\+300"):
        denoiser(np.array([[0.0, 1e300]]))


def test_nasty_sizes_through_real_networks(each_denoiser: Denoiser) -> None:
    for height, width in NASTY:
        clean = each_denoiser(colour_frame(height, width))
        assert (clean.shape, clean.dtype) == ((height, width, 3), np.uint8)


def test_a_real_network_changes_the_frame_and_leaves_it_unharmed(each_denoiser: Denoiser) -> None:
    frame = colour_frame(17, 31)
    before = frame.copy()
    assert np.abs(each_denoiser(frame).astype(int) - frame).max() > 1
    np.testing.assert_array_equal(frame, before)


def test_alpha_does_not_change_the_colours(each_denoiser: Denoiser) -> None:
    frame = colour_frame(17, 31)
    alpha = (np.arange(17 * 31) % 255 + 1).astype(np.uint8).reshape(17, 31)
    with_alpha = each_denoiser(np.dstack((frame, alpha)))
    np.testing.assert_array_equal(with_alpha[:, :, :3], each_denoiser(frame))
    np.testing.assert_array_equal(with_alpha[:, :, 3], alpha)


def test_grey_with_alpha_keeps_it(tmp_path: Path) -> None:
    frame = Frame(np.full((3, 5), 10, np.uint8), np.full((3, 5), 77, np.uint8))
    clean = gain_denoiser(tmp_path, "uint8", 1, (0.0, 255.0), gain=2).denoise(frame)
    assert clean.pixels.max() == 20
    assert clean.alpha is frame.alpha


def test_views_and_big_endian_frames(mbd: Denoiser, tmp_path: Path) -> None:
    frame = colour_frame(20, 26)
    np.testing.assert_array_equal(mbd(frame[::-2, ::2]), mbd(frame[::-2, ::2].copy()))
    swapped = np.arange(12).reshape(3, 4).astype(">u2")
    clean = gain_denoiser(tmp_path, "uint16", 1, (0.0, 1023.0), gain=2)(swapped)
    assert clean.dtype == swapped.dtype
    assert clean.tolist() == (swapped * 2).tolist()


@pytest.mark.parametrize(("dtype", "value_range"), [("uint8", (0, 255)), ("uint16", (0, 1023)), ("uint16", (64, 4095))])
def test_saturated_output_is_clamped_to_the_sensors_range(
    tmp_path: Path, dtype: str, value_range: tuple[float, float]
) -> None:
    low, high = value_range
    frame = np.array([[low, (low + high) // 2, high]], dtype)
    assert gain_denoiser(tmp_path, dtype, 1, value_range, gain=5)(frame).max() == high
    assert gain_denoiser(tmp_path, dtype, 1, value_range, gain=-5)(frame).tolist() == [[low, low, low]]


def test_float_output_is_not_clamped(tmp_path: Path) -> None:
    frame = np.array([[-0.5, 0.5, 1.0, 3.0]], np.float32)  # nor are float frames held to the range
    np.testing.assert_array_equal(gain_denoiser(tmp_path, "float32", 1, (0, 1), gain=5)(frame), frame * 5)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((4, 4), np.uint8), "cam: .*uint16.*uint8"),
        (np.zeros((4, 4), np.float32), "cam: .*uint16.*float32"),
        (np.zeros((4, 4, 3), np.uint16), "cam: .*grey.*colour"),
        (np.full((4, 4), 1024, np.uint16), "cam: .*16 to 1023.*1024"),
        (np.full((4, 4), 15, np.uint16), "cam: .*16 to 1023.*15"),
    ],
)
def test_a_frame_of_another_sensor_is_refused(tmp_path: Path, frame: np.ndarray[Any, Any], message: str) -> None:
    denoiser = gain_denoiser(tmp_path, "uint16", 1, (16.0, 1023.0))
    with pytest.raises(InputError, match=message):
        denoiser.denoise(Frame(frame), "cam")


def test_grey_for_a_colour_sensor_is_refused(mbd: Denoiser) -> None:
    with pytest.raises(InputError, match=r"colour .*grey"):
        mbd(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_float_frame_keeps_what_is_not_finite(tmp_path: Path, value: float) -> None:
    frame = np.random.default_rng(0).random((9, 14)).astype(np.float32)
    expected = gain_denoiser(tmp_path, "float32", 1, (0, 1))(frame)
    frame[2, 1] = value
    found = gain_denoiser(tmp_path, "float32", 1, (0, 1))(frame)
    expected[2, 1] = value
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(InputError, match="in every pixel"):
        gain_denoiser(tmp_path, "float32", 1, (0, 1))(np.full((3, 3), value, np.float32))


def test_the_onnx_file_alone_is_the_bundle(each_model: Model, each_denoiser: Denoiser, tmp_path: Path) -> None:
    path = tmp_path / "moved.onnx"
    path.write_bytes(each_model.onnx.read_bytes())
    alone = Denoiser(str(path), threads=1)
    assert alone.card == each_denoiser.card
    assert alone.provider == each_denoiser.provider == "cpu"
    np.testing.assert_array_equal(alone(colour_frame(17, 31)), each_denoiser(colour_frame(17, 31)))


def test_a_copy_for_another_process_opens_the_bundle_again(each_denoiser: Denoiser) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
    again = pickle.loads(pickle.dumps(each_denoiser))
    assert (again.card, again.provider) == (each_denoiser.card, "cpu")
    np.testing.assert_array_equal(again(frame), each_denoiser(frame))


def test_it_says_what_it_is(mbd: Denoiser, tmp_path: Path) -> None:
    assert repr(mbd) == "Denoiser(mbd on cpu, uint8 colour from 0 to 255)"
    assert repr(gain_denoiser(tmp_path, "uint16", 1, (64.0, 4095.0))) == (
        "Denoiser(gain on cpu, uint16 grey from 64 to 4095)"
    )


def test_threads_and_their_spinning_reach_the_session(
    make_bundle: BundleMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def session(path: Path, *arguments: Any) -> Session:
        asked.append(arguments[:3])
        return Session(path, *arguments)

    monkeypatch.setattr(denoiser, "Session", session)
    for path in (make_bundle(), make_bundle() / "mbd.onnx"):
        Denoiser(path, "mbd", "cpu", 2, spinning=False)
    assert asked == [("cpu", 2, False)] * 2


def test_options_of_a_provider_reach_it(make_bundle: BundleMaker) -> None:
    with pytest.raises(UsageError, match="no options"):
        Denoiser(make_bundle(), provider="cpu:device_id=1")


def test_the_default_model_is_the_bundles(make_bundle: BundleMaker) -> None:
    assert Denoiser(make_bundle(), threads=1).card.id == "grd"
    assert Denoiser(make_bundle(method="adapt"), threads=1).card.id == "sensor"
    with pytest.raises(UsageError, match=r"mbd, grd, .*other"):
        Denoiser(make_bundle(), model="other")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("{", "is damaged"),
        ("{}", "is damaged"),
        (None, "metadata zsn2m.json"),
    ],
)
def test_an_onnx_file_without_its_card_is_refused(tmp_path: Path, card: str | None, message: str) -> None:
    sensor = Sensor(dtype="uint8", channels=1, range=(0, 255), noise_sigma=1)
    path = write_gain_model(tmp_path / "gain.onnx", sensor, 1.0, card)
    if card is None:
        model = onnx.load(path)
        model.ClearField("metadata_props")
        onnx.save(model, path)
    with pytest.raises(BundleError, match=rf"gain\.onnx: .*{message}"):
        Denoiser(path)


def test_an_onnx_file_for_other_arrays_is_refused(make_bundle: BundleMaker, tmp_path: Path) -> None:
    model = onnx.load(make_bundle() / "mbd.onnx")
    card = ModelCard.model_validate_json(model.metadata_props[0].value)
    model.metadata_props[0].value = card.model_copy(update={"io": "unit"}).model_dump_json()
    onnx.save(model, tmp_path / "mbd.unit.onnx")
    with pytest.raises(UsageError, match=r"unit\.onnx: .*sensor units"):
        Denoiser(tmp_path / "mbd.unit.onnx")


def test_an_onnx_file_of_a_newer_version_is_refused(make_bundle: BundleMaker, tmp_path: Path) -> None:
    model = onnx.load(make_bundle() / "mbd.onnx")
    card = ModelCard.model_validate_json(model.metadata_props[0].value)
    model.metadata_props[0].value = card.model_copy(update={"schema_version": 2}).model_dump_json()
    onnx.save(model, tmp_path / "new.onnx")
    with pytest.raises(BundleError, match=r"new\.onnx: .*schema version"):
        Denoiser(tmp_path / "new.onnx")


@pytest.mark.parametrize("strip_pixels", [1, 31 * 4, 10**9])
def test_strips_do_not_change_the_result(each_model: Model, each_denoiser: Denoiser, strip_pixels: int) -> None:
    frame = colour_frame(337, 31)  # more than the four halos of the shortest strip
    in_strips = Denoiser(*each_model, threads=1, strip_pixels=strip_pixels)
    np.testing.assert_array_equal(in_strips(frame), each_denoiser(frame))


def test_one_denoiser_in_two_threads(each_denoiser: Denoiser) -> None:
    frames = [colour_frame(60 + 3 * seed, 50 + 7 * seed, seed) for seed in range(8)]
    expected = [each_denoiser(frame) for frame in frames]
    assert not np.array_equal(expected[0][:50, :50], expected[1][:50, :50])
    with ThreadPoolExecutor(2) as threads:
        for clean, alone in zip(threads.map(each_denoiser, frames * 3), expected * 3, strict=True):
            np.testing.assert_array_equal(clean, alone)


def test_a_stream_of_arrays_gives_what_single_calls_give_in_order(each_denoiser: Denoiser) -> None:
    frames = [np.random.default_rng(seed).integers(0, 256, (20 + seed, 24, 3), dtype=np.uint8) for seed in range(9)]
    results = list(each_denoiser.stream(iter(frames)))
    assert len(results) == 9
    for frame, result in zip(frames, results, strict=True):
        np.testing.assert_array_equal(result, each_denoiser(frame))


def test_a_frame_that_does_not_fit_ends_a_stream_after_the_results_before_it(mbd: Denoiser) -> None:
    results = []
    with pytest.raises(InputError, match="expected uint8"):
        results.extend(mbd.stream([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint16)]))
    assert len(results) == 1


def test_the_pretrained_network_knows_every_level_in_each_precision(make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = bundle_knowing(make_bundle(method="adapt"), tmp_path, whole(scene() + noise(0)))
    denoise = Denoiser(bundle, provider="cpu", threads=1)
    louder = whole(scene() + noise(1, 2 * SIGMA))
    for precision in ("fp32", "int8"):
        denoise.card = denoise.card.model_copy(update={"id": f"sensor.{precision}", "precision": precision})
        assert denoise.unlike(louder) == ()


def test_a_frame_unlike_those_trained_on_is_said_to_be(make_bundle: BundleMaker, tmp_path: Path) -> None:
    bundle = bundle_knowing(make_bundle(), tmp_path, whole(scene() + noise(0)))
    denoise = Denoiser(bundle, "mbd", "cpu", 1)
    like, louder = whole(scene() + noise(1)), whole(scene() + noise(1, 2 * SIGMA))
    assert denoise.unlike(like) == ()
    [sentence] = denoise.unlike(louder)
    assert sentence.startswith("noise: expected about 1")
    assert denoise.unlike(np.dstack((louder, louder[..., 0] | 1))) == (sentence,)  # alpha is no part of it
    assert denoise.unlike(louder[:15]) == ()
    assert Denoiser(bundle / "mbd.onnx", threads=1).unlike(louder) == ()  # a file alone knows no training frames
    for record in ("noise", "look"):
        edit_manifest(bundle, lambda content, record=record: content.pop(record))
        assert Denoiser(bundle, "mbd", "cpu", 1).unlike(louder) == ()  # nor do bundles of older versions


def test_a_frame_that_does_not_fit_is_not_looked_at(mbd: Denoiser) -> None:
    with pytest.raises(InputError, match="expected uint8 samples"):
        mbd.unlike(np.zeros((20, 20, 3), np.uint16))
    with pytest.raises(InputError, match="NumPy array"):
        mbd.unlike([[1, 2], [3, 4]])


def test_stream_of_one_buffer_that_is_filled_again_and_again(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle("uint16", 1, (0.0, 4095.0), "mbd"))
    levels = (600, 900, 1200, 1500, 1800, 2100)
    expected = [denoiser(np.full((48, 40), level, np.uint16)) for level in levels]
    buffer = np.empty((48, 40), np.uint16)

    def camera() -> Iterator[np.ndarray]:
        for level in levels:
            buffer[:] = level
            yield buffer

    for found, wanted in zip(denoiser.stream(camera()), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
