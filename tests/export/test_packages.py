"""Packages for other programs: their own checks of them, their pixels, and bundles that they have no place for."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from support.bundles import BundleMaker, edit_manifest, noisy_planes
from support.commands import run_command
from support.tolerances import PARITY

from zsn2m_export.packages import Program, write_package
from zsn2m_export.packages.archive import plain_name
from zsn2m_runtime.bundle import Bundle, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.inference.session import Session

WHITE_LEVEL = 4095.0
PROGRAMS: tuple[Program, ...] = ("bioimageio", "darktable")


@pytest.fixture(scope="module")
def colour(make_bundle: BundleMaker) -> Bundle:
    """SensorNet for 8-bit colour."""
    return load_bundle(make_bundle(method="adapt"))


@pytest.fixture(scope="module")
def grey(make_bundle: BundleMaker) -> Bundle:
    """SensorNet for 12 bits of grey."""
    return load_bundle(make_bundle("uint16", 1, (64.0, WHITE_LEVEL), "adapt"))


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def array(content: bytes) -> np.ndarray:
    return np.asarray(np.load(io.BytesIO(content)))


def denoised(bundle: Bundle, planes: np.ndarray) -> np.ndarray:
    """What `Denoiser` makes of (1, c, h, w), in the same form; rounded."""
    dtype = bundle.manifest.sensor.dtype
    pixels = planes[0].transpose(1, 2, 0).astype(dtype)
    clean = Denoiser(bundle.path, provider="cpu", threads=1)(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return np.atleast_3d(clean).transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize("name", ["colour", "grey"])
def test_what_a_package_of_bioimageio_says_is_so(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    bundle: Bundle = request.getfixturevalue(name)
    path = write_package(bundle, "bioimageio", tmp_path / "a.zip")
    files = members(path)
    said = json.loads(files["rdf.yaml"])
    (given,), (made,), weights = said["inputs"], said["outputs"], said["weights"]["onnx"]
    for file in (given["test_tensor"], made["test_tensor"], weights):
        assert hashlib.sha256(files[file["source"]]).hexdigest() == file["sha256"]
    model = onnx.load_model_from_string(files["model.onnx"])
    assert model.opset_import[0].version == weights["opset_version"] == 17
    assert ([model.graph.input[0].name], [model.graph.output[0].name]) == ([given["id"]], [made["id"]])
    noisy, clean = array(files["test_input.npy"]), array(files["test_output.npy"])
    np.testing.assert_array_equal(clean, Session(bundle.path / "sensor.onnx", "cpu").run(noisy))
    size, halo = given["axes"][2]["size"], made["axes"][2]["halo"]
    entry = bundle.model()
    assert halo >= entry.receptive_radius and halo % entry.stride == size["step"] % entry.stride == 0
    assert size["min"] > 2 * halo and (noisy.shape[2] - size["min"]) % size["step"] == 0
    assert len(given["axes"][1]["channel_names"]) == noisy.shape[1] == bundle.manifest.sensor.channels
    assert given["data"]["range"] == list(bundle.manifest.sensor.range)
    assert "## Validation" in files[said["documentation"]].decode()
    cover = cv2.imdecode(np.frombuffer(files[said["covers"][0]], np.uint8), cv2.IMREAD_COLOR)
    assert cover.shape[1] == 2 * cover.shape[0] and len(files["cover.png"]) < 500_000
    left, right = np.hsplit(cover.astype(float), 2)
    assert np.diff(right, axis=1).std() < 0.5 * np.diff(left, axis=1).std()  # the noise is gone


def test_a_package_is_the_same_each_time(colour: Bundle, tmp_path: Path) -> None:
    for program in PROGRAMS:
        paths = (tmp_path / f"{program}{number}" for number in range(2))
        first, second = (write_package(colour, program, path).read_bytes() for path in paths)
        assert first == second


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["colour", "grey"])
def test_the_program_of_bioimageio_passes_it_and_gives_our_pixels(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """bioimageio.core 0.11.0 needs an older pydantic than constraints.txt has: tried with 2.12."""
    core = pytest.importorskip("bioimageio.core", reason="bioimageio.core is not installed", exc_type=ImportError)
    bundle: Bundle = request.getfixturevalue(name)
    path = write_package(bundle, "bioimageio", tmp_path / "cam.bioimageio.zip")
    program = shutil.which("bioimageio")
    assert program is not None
    done = subprocess.run(
        [program, "test", path, "--summary", tmp_path / "summary.json"], check=False, capture_output=True, text=True
    )
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (done.returncode, summary["status"]) == (0, "passed"), summary
    assert any("onnx" in check["name"] and check["status"] == "passed" for check in summary["details"])
    side = json.loads(members(path)["rdf.yaml"])["inputs"][0]["axes"][2]["size"]["min"]
    low, high = bundle.manifest.sensor.range
    noisy = noisy_planes(bundle.manifest.sensor.channels, side + 80, side + 48, high).clip(low)
    expected = denoised(bundle, noisy)
    inside = np.s_[:, :, 48:-48, 48:-48]  # beyond the halo, for which bioimageio.core mirrors the image
    for blocks in (None, 3):
        sample = core.predict(model=path, inputs={"noisy": noisy}, blocksize_parameter=blocks)
        result = sample.members["denoised"].data.to_numpy()
        np.testing.assert_allclose(result[inside], expected[inside], rtol=0, atol=0.5 + PARITY * high)


def test_darktable_finds_what_its_description_asks_for(colour: Bundle, tmp_path: Path) -> None:
    path = write_package(colour, "darktable", tmp_path / "cam.dtmodel")
    files = members(path)
    folders = {name.split("/")[0] for name in files}
    config = json.loads(files[f"{min(folders)}/config.json"])
    assert folders == {config["id"]}  # dt_ai_models_install_local: the first entry's folder is the id
    assert {"id", "name", "description", "task", "arch", "backend", "version"} <= set(config)  # validate.py
    assert (config["task"], config["backend"], config["tiling"], config["num_inputs"]) == ("denoise", "onnx", True, 1)
    content = files[f"{config['id']}/model.onnx"]
    model = onnx.load_model_from_string(content)
    assert model.opset_import[0].version == 17
    for (value,), name in ((model.graph.input, "input"), (model.graph.output, "output")):
        axes = value.type.tensor_type.shape.dim
        assert (value.name, value.type.tensor_type.elem_type) == (name, onnx.TensorProto.FLOAT)
        assert (axes[0].dim_value, axes[1].dim_value) == (1, 3)
        assert (axes[2].dim_param, axes[3].dim_param) == ("height", "width")


def test_darktable_gets_our_pixels_by_its_tiles(colour: Bundle, tmp_path: Path) -> None:
    """As dt_restore_process_tiled: tiles of 256, 64 pixels beside each from a mirror, the axes' sizes fixed before."""
    files = members(write_package(colour, "darktable", tmp_path / "cam.dtmodel"))
    content = next(file for name, file in files.items() if name.endswith("model.onnx"))
    options = onnxruntime.SessionOptions()
    for axis in ("height", "width"):
        options.add_free_dimension_override_by_name(axis, 256)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    noisy = noisy_planes(3, 140, 200, 255.0)
    around = np.pad(noisy / np.float32(255), ((0, 0), (0, 0), (64, 192), (64, 192)), mode="reflect")
    clean = np.empty_like(noisy)
    for top in range(0, 140, 128):
        for left in range(0, 200, 128):
            tile = np.ascontiguousarray(around[:, :, top : top + 256, left : left + 256])
            (result,) = session.run(["output"], {"input": tile})
            kept = clean[:, :, top : top + 128, left : left + 128]
            kept[...] = result[:, :, 64 : 64 + kept.shape[2], 64 : 64 + kept.shape[3]] * 255
    inside = np.s_[:, :, 40:-40, 40:-40]  # at the border darktable mirrors the picture, and so does not see its end
    np.testing.assert_allclose(clean[inside], denoised(colour, noisy)[inside], rtol=0, atol=0.5 + 255 * PARITY)


@pytest.mark.parametrize("program", PROGRAMS)
def test_mosaics_have_no_place_in_other_programs(program: Program, make_bundle: BundleMaker, tmp_path: Path) -> None:
    mosaic = load_bundle(make_bundle("uint16", 1, (0.0, WHITE_LEVEL), "adapt", "RGGB"))
    with pytest.raises(UsageError, match="mosaics"):
        write_package(mosaic, program, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_darktable_has_no_place_for_grey_frames_and_far_sight(
    colour: Bundle, grey: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="grey uint16"):
        write_package(grey, "darktable", tmp_path / "a.dtmodel")
    monkeypatch.setattr("zsn2m_export.packages.darktable.OVERLAP", colour.model().receptive_radius - 1)
    with pytest.raises(UsageError, match="overlap"):
        write_package(colour, "darktable", tmp_path / "a.dtmodel")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_model_unlike_its_manifest_is_refused(program: Program, colour: Bundle, tmp_path: Path) -> None:
    folder = shutil.copytree(colour.path, tmp_path / "cam.zsn2m")
    edit_manifest(folder, lambda content: content["models"][0].update(receptive_radius=1))
    with pytest.raises(BundleError, match="manifest"):
        write_package(load_bundle(folder), program)
    assert [path.name for path in tmp_path.iterdir()] == ["cam.zsn2m"]


def test_names_of_models_are_plain(tmp_path: Path, colour: Bundle) -> None:
    for name, expected in (("My Cam (2).zsn2m", "my-cam-2"), ("öß.zsn2m", "bundle"), ("cam0", "cam0")):
        assert plain_name(Bundle(tmp_path / name, colour.manifest)) == expected


@pytest.mark.parametrize(("program", "suffix"), [("bioimageio", ".bioimageio.zip"), ("darktable", ".dtmodel")])
def test_the_command_writes_beside_the_bundle(
    colour: Bundle, capsys: pytest.CaptureFixture[str], tmp_path: Path, program: str, suffix: str
) -> None:
    folder = shutil.copytree(colour.path, tmp_path / "cam.zsn2m")
    ended = run_command(capsys, "export", folder, "--to", program, "--json")
    assert ended.json == {"package": str(tmp_path / f"cam{suffix}")}
    assert zipfile.is_zipfile(ended.json["package"])


@pytest.mark.parametrize(
    ("options", "subject"),
    [
        (("--to", "darktable", "-o", "kept.zip", "--overwrite"), "grey"),
        (("--to", "bioimageio", "--io", "unit"), "--to bioimageio without other options"),
        (("--to", "bioimageio", "--cpp", "project"), "without other options"),
        (("-o", "kept.zip"), "-o with --to"),
        (("--to", "bioimageio", "-o", "{bundle}/a.zip"), "output outside of bundles"),
    ],
)
def test_the_command_refuses_and_leaves_what_is_there(
    grey: Bundle,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    subject: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kept.zip").write_text("kept")
    ended = run_command(capsys, "export", grey.path, *(option.format(bundle=grey.path) for option in options))
    assert ended.code == 2 and subject in ended.err
    alone = run_command(capsys, "export", grey.path / "sensor.onnx", "--to", "bioimageio")
    assert alone.code == 5 and "bundle folder" in alone.err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]
