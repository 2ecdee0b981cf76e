"""Arguments in each other's place, of the wrong kind or out of range: every message says what came and what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.bundles import BundleMaker
from support.commands import COMMANDS, run_command, write_frame
from support.refusals import Refused

from zsn2m_deploy import api
from zsn2m_runtime.files import list_inputs

# Subjects of messages, as short as still tells them apart.
FIRST = "the bundle comes first: zsn2m-deploy"
NO_BUNDLE = "expected a bundle folder with a manifest.json, but got"
IMAGE = f"a.png: {NO_BUNDLE} an image"
BUNDLE_AS_FRAME = "cam.zsn2m: expected noisy frames, but got a bundle"
MODEL_AS_FRAME = "expected noisy frames, but got a model"
INSIDE = "outside of bundles"

# Command, exit code, and a part of the message. In the folder: cam.zsn2m, a.png, grd.onnx and mbd.ts of the bundle,
# holds/ with a copy of the bundle alone, pictures/ with a copy and an image, app/ with another program's manifest.json.
WRONG = (
    # swapped
    ("denoise a.png cam.zsn2m -o b.png", 2, f"{FIRST} denoise cam.zsn2m a.png -o OUT"),
    ("denoise a.png grd.onnx -o b.png", 2, f"{FIRST} denoise grd.onnx a.png -o OUT"),
    ("denoise a.png pictures cam.zsn2m -o b/", 2, f"{FIRST} denoise cam.zsn2m a.png pictures -o OUT"),
    ("stream a.png cam.zsn2m -o b.mkv", 2, f"{FIRST} stream cam.zsn2m a.png -o OUT"),
    ("stream clip.mp4 cam.zsn2m -o b.mkv", 2, "clip.mp4: expected a bundle, but got a video"),
    ("export a.png --calibrate cam.zsn2m --precision int8", 2, f"{FIRST} export cam.zsn2m --calibrate a.png"),
    ("verify a.png cam.zsn2m", 2, "unexpected extra argument"),
    # no bundle where one was expected
    ("denoise a.png a.png -o b.png", 5, IMAGE),
    ("stream a.png a.png -o b.mkv", 5, IMAGE),
    ("verify a.png", 5, IMAGE),
    ("bench a.png", 5, IMAGE),
    ("export a.png", 5, IMAGE),
    ("export a.png --cpp project", 5, IMAGE),
    ("verify nothing", 5, "nothing: expected a bundle folder"),
    ("verify clip.mp4", 5, f"{NO_BUNDLE} a video"),
    ("verify notes.txt", 5, f"{NO_BUNDLE} a file"),
    ("verify grd.onnx", 5, f"grd.onnx: {NO_BUNDLE} a single model"),
    ("denoise mbd.ts a.png -o b.png", 5, f"mbd.ts: {NO_BUNDLE} a single model"),
    ("inspect grd.onnx", 5, f"{NO_BUNDLE} a single model"),
    ("inspect cam.zsn2m/manifest.json", 5, f"{NO_BUNDLE} a file of the bundle cam.zsn2m"),
    ("bench cam.zsn2m/grd.onnx", 5, f"{NO_BUNDLE} a file of the bundle cam.zsn2m"),
    ("inspect holds", 5, "holds the bundle(s) holds/cam.zsn2m"),
    ("inspect empty", 5, f"empty: {NO_BUNDLE} a folder without one"),
    ("inspect frames", 5, f"frames: {NO_BUNDLE} a folder of images; "),
    ("inspect none.zsn2m", 5, "none.zsn2m: expected a bundle folder"),
    ("inspect app", 5, "app/manifest.json: expected a manifest"),
    # no frames where some were expected
    ("train-and-export cam.zsn2m", 3, BUNDLE_AS_FRAME),
    ("train-and-export a.png cam.zsn2m", 3, BUNDLE_AS_FRAME),
    ("train-and-export holds", 3, "holds: expected a folder of noisy frames"),
    ("train-and-export grd.onnx", 3, f"grd.onnx: {MODEL_AS_FRAME}"),
    ("train-and-export mbd.ts", 3, f"mbd.ts: {MODEL_AS_FRAME}"),
    ("train-and-export cam.zsn2m/preview.png", 3, "got a file of the bundle cam.zsn2m"),
    ("denoise cam.zsn2m cam.zsn2m -o b.png", 3, BUNDLE_AS_FRAME),
    ("denoise cam.zsn2m holds -o b", 3, "holds: expected a folder of noisy frames"),
    ("denoise cam.zsn2m grd.onnx -o b.png", 3, f"grd.onnx: {MODEL_AS_FRAME}"),
    ("denoise cam.zsn2m cam.zsn2m/preview.png -o b.png", 3, "got a file of the bundle cam.zsn2m"),
    ("stream cam.zsn2m cam.zsn2m -o b.mkv", 3, BUNDLE_AS_FRAME),
    ("stream cam.zsn2m mbd.ts -o b.mkv", 3, f"mbd.ts: {MODEL_AS_FRAME}"),
    # outputs that would spoil a bundle or an input
    ("denoise cam.zsn2m a.png -o cam.zsn2m", 2, INSIDE),
    ("denoise cam.zsn2m a.png -o cam.zsn2m/b.png", 2, INSIDE),
    ("denoise cam.zsn2m a.png -o cam.zsn2m/new/b.png", 2, INSIDE),
    ("stream cam.zsn2m a.png -o cam.zsn2m/", 2, INSIDE),
    ("stream cam.zsn2m a.png -o cam.zsn2m/b.mkv", 2, INSIDE),
    ("train-and-export a.png -o cam.zsn2m/new.zsn2m", 2, INSIDE),
    ("export cam.zsn2m --cpp cam.zsn2m/project", 2, INSIDE),
    ("sample cam.zsn2m/s.png", 2, INSIDE),
    ("train-and-export a.png -o a.png", 6, "a.png: expected a folder"),
    ("export cam.zsn2m --cpp a.png", 6, "expected a folder to write, but got a file"),
    # missing
    ("denoise cam.zsn2m -o b.png", 2, "Missing argument 'INPUT"),
    ("denoise cam.zsn2m a.png", 2, "Missing option '--output'"),
    ("stream cam.zsn2m a.png", 2, "expected an output"),
    ("train a.png -o b.zsn2m", 2, "expected the command train-and-export"),
    ("train-and-export", 2, "Missing argument 'FRAME"),
    ("verify", 2, "Missing argument 'BUNDLE'"),
    ("nothing", 2, "No such command 'nothing'"),
    # out of range
    ("train-and-export a.png --strength -1", 2, "strength: expected a number above 0"),
    ("train-and-export a.png --strength nan", 2, "strength: expected a finite number"),
    ("train-and-export a.png --seed -1", 2, "seed: expected a number of at least 0"),
    ("train-and-export a.png --pages 0", 2, "a.png: expected pages"),
    ("denoise cam.zsn2m a.png -o b.png --threads -1", 2, "Invalid value for '--threads'"),
    ("bench cam.zsn2m --seconds -1", 2, "Invalid value for '--seconds'"),
    ("bench cam.zsn2m --size 0x5", 2, "expected a size such as 480p"),
    ("sample s.png --size -5 5", 2, "expected width"),
    ("sample s.png --photons -1", 2, "expected photons"),
)

# The content of a configuration, and the message after its file's name.
CONFIGURATIONS = (
    ("strength = -1", "strength: expected a number above 0"),
    ("strength = 1e9", "strength: expected a factor on the noise"),
    ("strength = nan", "strength: expected a finite number"),
    ("strength = 'much'", "strength: expected a number"),
    ("stage = 'mbd'", "expected method mbd"),
    ("method = 'big'", "expected one of the methods adapt, mbd, full, paper"),
    ("preset = 'quick'", "expected one of the presets default, instant, fast, best"),
    ("device = 3", "device: expected text"),
    ("keep_mean = 'perhaps'", "keep_mean: expected true or false"),
    ("sensor = 5", "sensor: expected a table"),
    ("mbd.schedule.iterations = 1.5", "mbd.schedule.iterations: expected a whole number"),
    ("grd.widths = 'a'", "grd.widths: expected a list"),
    ("grd.widths = [1]", "grd.widths: expected at least 2"),
    ("mbd.negative_slope = 1", "mbd.negative_slope: expected a number below 1"),
    ("sensor.schedule.crop_side = 500", "sensor: expected schedule.crop_side"),
    ("sensor.weight_synthetic = 0\nsensor.weight_recorrupted = 0", "sensor: expected weight_synthetic"),
    ("sensor.scene = 3", "unknown field 'sensor.scene'; did you mean 'sensor.scenes'"),
    ("strength = ", "expected a TOML"),
)
OF_PYDANTIC = ("Value error", "Input should be", "validation error", "Field required", "Traceback", "this is a bug")


@pytest.fixture
def place(make_bundle: BundleMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the table speaks of."""
    bundle = shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")
    write_frame(bundle / "preview.png")
    for name in ("grd.onnx", "mbd.ts"):
        shutil.copy(bundle / name, tmp_path)
    for name in ("holds", "pictures", "frames", "empty", "app"):
        (tmp_path / name).mkdir()
    for name in ("holds", "pictures"):
        shutil.copytree(bundle, tmp_path / name / "cam.zsn2m")
    write_frame(tmp_path / "pictures" / "b.png")
    (tmp_path / "frames" / "c.tif").touch()
    write_frame(tmp_path / "a.png")
    (tmp_path / "app" / "manifest.json").write_text('{"name": "of a web page"}')
    (tmp_path / "clip.mp4").write_bytes(b"no video, but nobody looks into it")
    (tmp_path / "notes.txt").write_text("hello")
    monkeypatch.setattr(api, "train_networks", None)  # training must not begin
    return tmp_path


@pytest.mark.usefixtures("place")
def test_wrong_arguments_are_told_with_what_to_do(refused: Refused) -> None:
    told = {command: (refused(code, *command.split()), said) for command, code, said in WRONG}
    assert {command: message for command, (message, said) in told.items() if said not in message} == {}
    assert not [message for message, _ in told.values() if "Value error" in message]


@pytest.mark.usefixtures("place")
def test_wrong_configurations_are_told_with_what_to_do(refused: Refused, place: Path) -> None:
    for content, said in CONFIGURATIONS:
        (place / "c.toml").write_text(content)
        message = refused(2, "train-and-export", "a.png", "--config", "c.toml")
        assert f"c.toml: {said}" in message, (content, message)
        assert not any(words in message for words in OF_PYDANTIC), message


def test_every_command_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        ended = run_command(capsys, command, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert f"zsn2m-deploy {command}" in ended.out and "--json" in ended.out


def test_a_folder_with_images_beside_its_bundle_is_one_of_frames(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is after the first training there; and no pattern reaches into the bundle."""
    monkeypatch.chdir(place)
    assert list_inputs(["pictures"]) == [Path("pictures/b.png")]
    assert list_inputs(["pictures/*.png", "**/b.png"]) == [Path("pictures/b.png")]
    assert list_inputs(["**/*.png"]) == [Path("a.png"), Path("pictures/b.png")]
