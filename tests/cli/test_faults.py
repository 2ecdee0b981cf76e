"""Ordinary faults of inputs: one table of what a user can get wrong, each with its exit code and a word of its message.

No entry may be called a bug, show a traceback or a warning of a library, or leave a file behind.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from support.bundles import BundleMaker
from support.commands import run_command, write_frame
from support.refusals import Refused, mounted

from zsn2m_deploy import api
from zsn2m_deploy.cli.unexpected import explained
from zsn2m_deploy.config.tables import MOST_BYTES
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.frames.reading import FrameOptions
from zsn2m_export.writer import REACH, without_outliers
from zsn2m_runtime.atomic import atomic_file, atomic_folder
from zsn2m_runtime.batch import plan_outputs
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, InputError, OutputError, UsageError
from zsn2m_runtime.files import list_inputs, open_image, save_image
from zsn2m_runtime.image import Frame
from zsn2m_runtime.noise.estimate import estimate_noise

TRAIN = "train-and-export float.npy -o new.zsn2m"
OF_PAGE = "train-and-export a.png -o new.zsn2m --config c.toml"
LONG = "x" * 300

# Content of c.toml, and a word of the message; the command is OF_PAGE, the exit code 2.
CONFIGURATIONS = (
    ("a = " + "[" * 20_000 + "]" * 20_000, "nested too deeply"),
    ("mbd = " + "{a = " * 3000 + "1" + "}" * 3000, "nested too deeply"),
    ("seed = " + "9" * 5000, "4300 digits"),
    ("# " + "x" * MOST_BYTES, "at most 1 MB"),
    ("seed = 1\nseed = 2", "expected a TOML"),
    ("\ufeffseed = 1", "expected a TOML"),
    ("seed = 1\x00", "expected a TOML"),
    ("'' = 1", "unknown field ''"),
    ("seed = 2026-11-29", "expected a whole number"),
    ("seed = -1", "at least 0"),
    ("seed = 9223372036854775808", "below 9.2"),
    ("seed = 18446744073709551617", "below 9.2"),
    ("seed = true", "expected a number, but got true"),
    ("strength = inf", "finite"),
    ("strength = 1e999", "finite"),
    ("preset = ['fast']", "presets"),
    ("preset = {a = 1}", "presets"),
    ("mbd.schedule.iterations = 0", "schedule.iterations of at least 1"),  # the default's may be 0: preset instant
    *(
        (f"{field} = {value}", field)
        for field, values in {
            "mbd.schedule.learning_rate": ("0", "-1", "nan", "inf", "1e300"),
            "grd.schedule.learning_rate": ("1e300",),
            "sensor.schedule.learning_rate": ("1e300",),
            "sensor.schedule.iterations": ("-1", str(10**30), "true"),
            "mbd": ("{schedule = {iterations = 0}}",),
            "mbd.schedule.iterations": (str(10**10), "-1"),
            "mbd.schedule.step_size": (str(10**30),),
            "mbd.schedule.crop_side": (str(10**9),),
            "mbd.schedule.max_crops": (str(10**9),),
            "mbd.schedule.gradient_clip": ("1e300",),
            "mbd.hidden_channels": (str(10**9), str(10**30), "0"),
            "sensor.scenes": (str(10**9),),
            "sensor.weight_synthetic": ("1e300",),
            "sensor.recorruption": ("1e300", "1e-320"),
            "mbd.c_constant": ("1e300", "1e-320"),
            "mbd.weight_denoising": ("1e39",),
            "grd.widths": (f"[4, {10**9}]", "[]", "[4, 4, 4, 4, 4, 4, 4]", "[4, 'a']"),
            "grd.weight_gap": ("-1",),
        }.items()
        for value in values
    ),
)

# Command (float.npy is 64 x 64 of about 0.5, hot.npy has one sample of 1e20), exit code, a word of the message.
COMMANDS = (
    (f"{TRAIN} --range 0 1e300", 2, "as float32 holds it"),
    (f"{TRAIN} --range -1e308 1e308", 2, "as float32 holds it"),
    (f"{TRAIN} --range 0 1e-320", 2, "as float32 holds it"),
    (f"{TRAIN} --range 5 5", 2, "LOW below HIGH"),
    (f"{TRAIN} --range nan 1", 2, "finite range"),
    (f"{TRAIN} --range 0 inf", 2, "finite range"),
    (f"{TRAIN} --range 0 1e-30", 3, "near the range"),
    (f"{TRAIN} --range x y", 2, "a valid number"),
    ("train-and-export hot.npy -o new.zsn2m --range 0 1", 3, "set marks of missing values to NaN"),
    ("train-and-export hot64.npy -o new.zsn2m --range 0 1", 3, "set marks of missing values to NaN"),
    ("train-and-export edge.npy -o new.zsn2m --range 0 1", 3, "scale it"),
    ("inspect edge.npy", 3, "scale it"),
    ("train-and-export one.npy -o new.zsn2m --range 0 1", 3, "at least 16 x 16"),
    ("train-and-export line.npy -o new.zsn2m --range 0 1", 3, "at least 16 x 16"),
    ("train-and-export object.npy -o new.zsn2m", 3, "object.npy"),
    ("train-and-export void.npy -o new.zsn2m", 3, "void.npy"),
    ("train-and-export several.npz -o new.zsn2m", 3, "several.npz"),
    ("denoise cam.zsn2m several.npz -o out.png", 3, "several.npz"),
    ("inspect several.npz", 3, "several.npz"),
    ("train-and-export a.png -o new.zsn2m --seed 18446744073709551617", 2, "below"),
    ("train-and-export a.png -o new.zsn2m --seed -1", 2, "at least 0"),
    ("train-and-export a.png -o new.zsn2m --strength nan", 2, "finite"),
    ("train-and-export a.png -o new.zsn2m --strength 1e300", 2, "from 0.1 to 4"),
    ("train-and-export a.png -o new.zsn2m --device cuda:99999999999", 2, "device"),
    ("train-and-export a.png -o new.zsn2m --device meta", 2, "device"),
    ("train-and-export a.png -o new.zsn2m --bit-depth 99999999999", 2, "bit depth"),
    ("train-and-export a.png -o new.zsn2m --config /dev/zero", 2, "at most 1 MB"),
    ("train-and-export a.png -o new.zsn2m --config .", 2, "c"),
    ("denoise cam.zsn2m a.png -o out.png --threads 100000", 2, "threads from 1 to 1024"),
    ("stream cam.zsn2m a.png -o out.mkv --threads 100000", 2, "threads from 1 to 1024"),
    ("sample s.png --size 1000000000 1000000000", 2, "width"),
    ("sample s.png --seed -1", 2, "seed"),
    ("sample s.png --photons nan", 2, "photons"),
    ("sample s.png --frames 1000000000", 2, "frames"),
    (f"denoise cam.zsn2m a.png -o {LONG}.png", 6, "too long"),
    (f"inspect {LONG}", 3, "too long"),
    (f"verify {LONG}", 5, "there is none"),
    (f"inspect {LONG}.png", 3, "too long"),
    (f"export {LONG}", 5, "there is none"),
    (f"denoise {LONG} a.png -o out.png", 5, "there is none"),
    (f"denoise cam.zsn2m {LONG}.png -o out.png", 3, "too long"),
    (f"denoise cam.zsn2m a.png -o {LONG}/out.png", 6, "too long"),
    (f"export cam.zsn2m --cpp {LONG}", 6, "too long"),
    ("denoise cam.zsn2m ring.png -o out.png", 3, "there is none"),
    ("verify ring.png", 5, "there is none"),
    ("denoise cam.zsn2m a.png -o ring.png", 6, "round in a ring"),
    ("stream cam.zsn2m a.png -o ring.png", 6, "round in a ring"),
    ("train-and-export a.png -o ring.png", 6, "round in a ring"),
    ("sample ring.png", 6, "round in a ring"),
    ("denoise cam.zsn2m pipe.png -o out.png", 3, "got a pipe or a device"),
    ("stream cam.zsn2m pipe.png -o out.mkv", 3, "got a pipe or a device"),
    ("train-and-export pipe.tif -o new.zsn2m", 3, "got a pipe or a device"),
    ("export cam.zsn2m --precision int8 --calibrate zero.npy", 3, "got a pipe or a device"),
    ("inspect zero.npy", 3, "got a pipe or a device"),
    ("denoise cam.zsn2m a.png -o /dev/full", 6, "/dev/full"),
    ("denoise cam.zsn2m a.png -o a.png/b.png", 6, "a.png"),
    ("inspect [red]none.png", 3, "[red]none.png"),
    ("inspect %s{}.png", 3, "%s{}.png"),
    ("inspect -- -none.png", 3, "-none.png"),
)


@pytest.fixture
def place(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """The folder that the tables speak of."""
    shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    write_frame(tmp_path / "a.png")
    pixels = floats()
    hot, edge = pixels.copy(), pixels.copy()
    hot[0, 0], edge[0, 0] = 1e20, 3e38
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "float": pixels,
        "hot": hot,
        "hot64": hot.astype(np.float64),
        "edge": edge,
        "one": pixels[:1, :1],
        "line": pixels[:1],
        "void": np.zeros((20, 20), "V8"),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "ring.png").symlink_to("ring.png")
    (tmp_path / "zero.npy").symlink_to("/dev/zero")
    for name in ("pipe.png", "pipe.tif"):
        os.mkfifo(tmp_path / name)
    np.save(tmp_path / "object.npy", np.full((20, 20), None, object), allow_pickle=True)
    np.savez(tmp_path / "several.npz", one=pixels, two=pixels)
    return tmp_path


def floats() -> np.ndarray[Any, Any]:
    """A noisy frame without detail, about 0.5."""
    return np.float32(0.5 + 0.1 * np.random.default_rng(0).standard_normal((64, 64)))


@pytest.mark.usefixtures("place")
def test_commands(refused: Refused) -> None:
    wrong = {}
    for command, code, said in COMMANDS:
        try:
            message = refused(code, *command.split())
            assert said in message, message
        except AssertionError as error:
            wrong[command[-60:]] = str(error)[:300]
    assert not wrong, "\n".join(f"{command}: {error}" for command, error in wrong.items())


def test_configurations(refused: Refused, place: Path) -> None:
    for content, said in CONFIGURATIONS:
        (place / "c.toml").write_text(content)
        assert said in refused(2, *OF_PAGE.split()), content[:80]


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root reads everything")
def test_files_that_must_not_be_read(place: Path) -> None:
    """As a user whom the files refuse; root would read them."""
    for path in (place / "a.png", place / "cam.zsn2m" / "manifest.json"):
        path.chmod(0)
    as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    for folder in (place / "cam.zsn2m", place, *place.parents):
        if folder.owner() == "root" and len(folder.parts) > 2:
            folder.chmod(folder.stat().st_mode | 0o055)
    for command, code in (("inspect a.png", 2), ("verify cam.zsn2m", 5), ("inspect cam.zsn2m", 5)):
        program = [*as_user, sys.executable, "-m", "zsn2m_deploy", *command.split()]
        ended = subprocess.run(program, capture_output=True, text=True, cwd=place, check=False, timeout=120)
        if "No module named" in ended.stderr or "can't open" in ended.stderr:
            pytest.skip("another user cannot read this checkout")
        assert (ended.returncode, "bug" in ended.stderr) == (code, False), ended.stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("inspect a.png >/dev/full", 6, "the disk is full"),
        ("verify nothing 2>/dev/full", 5, ""),
        ("verify nothing 2>&-", 5, ""),
        ("stream cam.zsn2m - -o out.mkv <&-", 3, "stdin: "),
        ("stream cam.zsn2m a.png -o - >&-", 6, "stdout: "),
        ("stream cam.zsn2m a.png -o out.mkv <&- >&- 2>&-", 0, ""),
    ],
)
def test_standard_streams(place: Path, command: str, code: int, said: str) -> None:
    program = f"{sys.executable} -m zsn2m_deploy {command}"
    ended = subprocess.run(["bash", "-c", program], capture_output=True, text=True, cwd=place, check=False, timeout=120)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert "bug" not in ended.stderr
    if code == 0:
        assert (place / "out.mkv").stat().st_size > 0


@pytest.mark.parametrize("options", [[], ["--precision", "fp16"], ["--io", "unit"], ["--cpp", "disk/project"]])
def test_a_disk_that_is_full_during_export(refused: Refused, place: Path, options: list[str]) -> None:
    """Room for the bundle, and some pages more."""
    pages = sum(-(-path.stat().st_size // 4096) for path in (place / "cam.zsn2m").iterdir()) + 5
    with mounted(place / "disk", f"size={pages * 4}k") as disk:
        shutil.copytree(place / "cam.zsn2m", disk / "cam.zsn2m")
        assert "the disk is full" in refused(6, "export", "disk/cam.zsn2m", *options)


def test_a_full_disk_of_temporary_files_is_not_called_that_of_the_bundle(
    refused: Refused, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(place / "small", "size=20k") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        said = refused(6, "export", "cam.zsn2m", "--precision", "int8")
    assert str(disk) in said and "temporary files" in said and "TMPDIR" in said


def test_messages_name_the_output_and_not_its_temporary(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="the disk is full") as caught:  # noqa: SIM117
        with atomic_folder(tmp_path / "new.zsn2m", overwrite=False) as folder, atomic_file(folder / "weights"):
            raise OSError(errno.ENOSPC, "No space left on device")
    assert str(caught.value).startswith(str(tmp_path / "new.zsn2m" / "weights"))


def test_a_working_folder_that_is_gone(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "gone").mkdir()
    monkeypatch.chdir(place / "gone")
    (place / "gone").rmdir()
    for command in ("sample s.png", f"stream {place}/cam.zsn2m {place}/a.png -o out.mkv"):
        ended = run_command(capsys, *command.split())
        assert (ended.code, "working folder" in ended.err) == (2, True), ended.err


def test_memory_that_torch_does_not_get() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    text, code = explained(caught.value)
    assert code == 4
    assert text.startswith("expected enough memory")
    assert "bug" not in text


def test_numbers_too_long_to_show_and_truth_for_numbers() -> None:
    for values in (
        {"seed": 10**5000},
        {"strength": 10**400},
        {"grd": {"widths": [10**5000, 4]}},
        {1: 2},
        {"seed": True},
    ):
        with pytest.raises(UsageError):
            TrainConfig().updated(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("outlier", [1e3, 1e20, -1e20, 2e37])
def test_one_sample_far_away_leaves_the_estimate(outlier: float) -> None:
    pixels = floats()
    pixels[32, 32] = outlier
    found = estimate_noise([pixels])
    assert found.sigma([floats()]) == pytest.approx(0.1, rel=0.15)


def test_models_are_not_proven_beside_a_hot_pixel() -> None:
    frame = floats()[None, None]
    frame[..., 5, 5] = 1e5
    proven = without_outliers(frame, 0.2, 0.6)
    assert proven.dtype == np.float32
    assert proven.max() == pytest.approx(0.2 + 0.6 * (1 + REACH))
    np.testing.assert_array_equal(np.delete(proven.ravel(), 5 * 64 + 5), np.delete(frame.ravel(), 5 * 64 + 5))
    whole = np.rint(frame * 100)
    assert (without_outliers(whole, 20.3, 60.1) == np.rint(without_outliers(whole, 20.3, 60.1))).all()


def api_arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Arrays that are frames in another form of memory."""
    frame = np.random.default_rng(0).integers(0, 256, (40, 48, 3)).astype(np.uint8)
    wide = np.zeros((80, 96, 3), np.uint8)
    wide[::2, ::2] = frame
    frozen = frame.copy()
    frozen.flags.writeable = False
    return {
        "plain": frame,
        "Fortran": np.asfortranarray(frame),
        "strided": wide[::2, ::2],
        "reversed": frame[::-1, ::-1].copy()[::-1, ::-1],
        "read-only": frozen,
        "masked": np.ma.masked_array(frame, mask=False),
    }


def test_the_form_of_an_array_changes_nothing(make_bundle: BundleMaker) -> None:
    denoiser = Denoiser(make_bundle(), threads=1)
    results = {name: denoiser(array) for name, array in api_arrays().items()}
    for name, result in results.items():
        np.testing.assert_array_equal(np.asarray(result), results["plain"], err_msg=name)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5), np.uint8),
        np.zeros(5, np.uint8),
        np.zeros((2, 3, 4, 5), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.full((5, 5), None, object),
        np.zeros((5, 5), "U3"),
        np.zeros((5, 5), "M8[s]"),
        np.zeros((5, 5), bool),
        np.ma.masked_array(np.zeros((5, 5), np.uint8), mask=np.eye(5)),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_that_are_no_frames(make_bundle: BundleMaker, tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InputError):
        Denoiser(make_bundle(), threads=1)(array)
    with pytest.raises(InputError):
        api.train_and_export(array, tmp_path / "new.zsn2m", options=FrameOptions())


@pytest.mark.parametrize("frame", [None, 3, 2.5, [[1, 2], [3, 4]], {"a": 1}, b"a.png", [], ()])
def test_what_is_no_frame_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: Any) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("training began")

    monkeypatch.setattr(api, "train_networks", refuse)
    with pytest.raises((InputError, UsageError)):
        api.train_and_export(frame, tmp_path / "new.zsn2m")


def test_names_that_are_no_paths(tmp_path: Path) -> None:
    """A NUL comes from Python only: no shell can pass one."""
    name, frame = f"{tmp_path}/a\0b.png", Frame(np.zeros((32, 32), np.uint8))
    with pytest.raises(InputError, match="NUL"):
        list_inputs([name])
    with pytest.raises(InputError):
        open_image(Path(name))
    with pytest.raises(BundleError):
        Denoiser(name)
    with pytest.raises(OutputError, match="NUL"):
        save_image(Path(name), frame)
    with pytest.raises(OutputError, match="NUL"):
        plan_outputs([tmp_path / "c.png"], Path(name))
    with pytest.raises(InputError):
        api.train_and_export(name, tmp_path / "new.zsn2m", options=FrameOptions())
    with pytest.raises(OutputError, match="NUL"):
        api.train_and_export(frame.pixels, Path(f"{tmp_path}/new\0.zsn2m"), options=FrameOptions())


def test_folders_without_end_in_a_bundle(refused: Refused, place: Path) -> None:
    folder = place / "cam.zsn2m"
    for _ in range(100):
        folder /= "deeper"
        folder.mkdir()
    assert "folders at most" in refused(5, "export", "cam.zsn2m")
