"""A stranger's bundle: whatever is wrong in it ends in a BundleError, at once, and without asking for all memory."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bundles import BundleMaker, edit_manifest
from support.commands import run_command

from zsn2m_deploy.bundle.export import export
from zsn2m_runtime.bundle import DEEPEST, file_record, load_bundle
from zsn2m_runtime.denoiser import Denoiser
from zsn2m_runtime.errors import BundleError
from zsn2m_runtime.manifest import MOST_MANIFEST, MOST_MODELS
from zsn2m_runtime.plain_file import open_plain, read_plain
from zsn2m_runtime.verify import verify_bundle

PATIENCE = 20.0  # seconds that anything here may take on a busy machine; nearly all of it takes milliseconds
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")


def within_time(call: Callable[[], object]) -> None:
    """Run a call in a thread, so that one that hangs fails its test instead of all tests; its error is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    if raised:
        raise raised[0]


@pytest.fixture(params=["pipe", "socket", "folder", "device", "link to a device", "link to nothing", "link to itself"])
def other_kind(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], None]]:
    """Puts something that is no plain file in the place of a file."""
    opened: list[socket.socket] = []

    def put(path: Path) -> None:
        path.unlink()
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "socket":
            opened.append(socket.socket(socket.AF_UNIX))
            here = Path.cwd()
            os.chdir(path.parent)  # a socket's path must be short
            try:
                opened[0].bind(path.name)
            finally:
                os.chdir(here)
        elif request.param == "folder":
            path.mkdir()
        elif request.param == "device":
            if os.geteuid():
                pytest.skip("only root makes devices")
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
        else:
            target = {"link to a device": "/dev/zero", "link to nothing": "none", "link to itself": path.name}
            path.symlink_to(target[request.param])

    yield put
    for each in opened:
        each.close()


@pytest.mark.parametrize("name", ["manifest.json", "weights.safetensors", "grd.onnx", "grd.ts", "test_input.npy"])
def test_what_is_no_plain_file_is_refused_at_once(bundle: Path, name: str, other_kind: Callable[[Path], None]) -> None:
    other_kind(bundle / name)
    for use in (load_bundle, Denoiser, verify_bundle, export):
        with pytest.raises(BundleError, match=name):
            within_time(lambda use=use: use(bundle))  # type: ignore[misc]


@pytest.mark.parametrize("command", ["inspect", "verify", "bench"])
def test_commands_do_not_wait_for_a_manifest_that_is_a_pipe(
    bundle: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "manifest.json").unlink()
    os.mkfifo(bundle / "manifest.json")
    ended = run_command(capsys, command, bundle)
    assert (ended.code, "expected a plain file, but got a pipe" in ended.err) == (5, True)


def test_a_pipe_beside_the_bundles_files_does_not_stop_an_export_for_ever(bundle: Path) -> None:
    os.mkfifo(bundle / "notes")
    with pytest.raises(BundleError, match=r"notes: .*pipe"):
        within_time(lambda: export(bundle))


def test_links_to_plain_files_are_files_and_nothing_is_written_through_them(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Caches of model hubs hold links; a stranger's link may lead to a file of the user's own."""
    own = bundle.parent / "own"
    (bundle / "mbd.ts").rename(own)
    (bundle / "mbd.ts").symlink_to("../own")
    (bundle / "notes").mkdir()
    (bundle / "notes" / "a.txt").write_text("kept")
    before = own.read_bytes()
    assert Denoiser(bundle).card.id == "grd"
    edit_manifest(bundle, lambda m: m.update(models=[], default=None))  # the link is no file of the bundle any more
    edit_manifest(bundle, lambda m: m.pop("training"))  # which is shown where it is there
    assert run_command(capsys, "inspect", bundle).code == 0
    assert run_command(capsys, "export", bundle).code == 0
    assert own.read_bytes() == before
    assert not (bundle / "mbd.ts").is_symlink()
    assert (bundle / "notes" / "a.txt").read_text() == "kept"


def test_a_link_to_a_folder_is_not_followed_for_ever(bundle: Path) -> None:
    (bundle / "loop").symlink_to(".")
    with pytest.raises(BundleError, match=r"loop: .*folder"):
        within_time(lambda: export(bundle))


def test_a_file_that_may_not_be_read_is_named(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = os.open

    def refuse(path: Any, *rest: Any, **named: Any) -> int:
        if str(path).endswith("mbd.ts"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    ended = run_command(capsys, "inspect", bundle)
    assert ended.code == 5
    assert "mbd.ts: expected a file that can be read, but the system says: Permission denied" in ended.err


def test_a_file_that_grows_or_fails_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_plain(path, 5) == b"12345"
    with pytest.raises(BundleError, match="at most 4 bytes, but got 5"):
        read_plain(path, 4)
    with open_plain(path) as stream:
        assert stream.read() == b"12345"


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


MODEL = 1  # the default one, grd

CHANGES: dict[str, Change] = {
    "no models, but a default": lambda m: m.update(models=[]),
    "a default that is none": lambda m: m.update(default="unet"),
    "a model twice": lambda m: m["models"].append(m["models"][0]),
    "endless models": lambda m: m.update(
        models=[m["models"][0] | {"id": f"m{number}"} for number in range(MOST_MODELS + 1)], default="m0"
    ),
    "a model without files": lambda m: m["models"][MODEL].update(files={}),
    "no axes": lambda m: m["models"][MODEL].update(dynamic_axes=[]),
    "an empty role": lambda m: m["models"][MODEL].update(role=""),
    "a role that is a command": lambda m: m["models"][MODEL].update(role="x; rm -rf ~"),
    "a stride beyond all": lambda m: m["models"][MODEL].update(stride=10**30),
    "a radius beyond all": lambda m: m["models"][MODEL].update(receptive_radius=10**4000),
    "another number of channels": lambda m: m["sensor"].update(channels=1),
    "a range that falls": lambda m: m["sensor"].update(range=[255, 0]),
    "a range beyond the type": lambda m: m["sensor"].update(range=[0, 256]),
    "an infinite range": lambda m: m["sensor"].update(range=[0, float("inf")]),
    "a noise without channels": lambda m: m.update(noise=noise(slope=[])),
    "a noise of two channels": lambda m: m.update(noise=noise(skew=[0, 0])),
    "a look without channels": lambda m: m.update(noise=noise(), look=look(low=[])),
    "a mixture of other channels": lambda m: m.update(
        mixture=[{"frames": [], "sigma": 1, "noise": noise(floor=[1] * 4), "look": look()}]
    ),
    "deep lists": lambda m: m.update(training={"a": deep(DEEPEST)}),
    "half a surrogate pair": lambda m: m.update(training={"a": "\ud800"}),
    "not a number": lambda m: m.update(method={"a": float("nan")}),
    "frames that are numbers": lambda m: m.update(training={"frames": [1]}),
    "hints that are a table": lambda m: m.update(training={"hints": {"a": 1}}),
    "stages without seconds": lambda m: m.update(training={"stages": [{"stage": "mbd"}]}),
    "a training that is a list": lambda m: m.update(training=[]),
    "a method that is a text": lambda m: m.update(method="mbd"),
    "a huge self-test": lambda m: m["self_test_input"].update(bytes=10**9),
    "a huge model": lambda m: m["models"][MODEL]["files"]["onnx"].update(bytes=10**12),
    "a huge weights file": lambda m: m["weights"].update(bytes=10**12),
    "huge extras": lambda m: m.update(extras=[m["weights"] | {"name": f"e{n}", "bytes": 2**35} for n in range(9)]),
    "a huge seed": lambda m: m.update(seed=10**4000),
}


def noise(**changes: object) -> dict[str, object]:
    whole = {"slope": [0.1] * 3, "floor": [1.0] * 3, "span": None, "skew": [0.0] * 3, "neighbours": [0, 0]}
    return whole | {"channels": 0, "correlated": False} | changes


def look(**changes: object) -> dict[str, object]:
    spans = {name: [0.0, 1.0] for name in ("noise", "beside", "below", "channels")}
    return {"low": [0.0] * 3, "high": [255.0] * 3, "texture": 1.0} | spans | changes


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_manifest_that_cannot_be_is_refused(bundle: Path, change: Change, capsys: pytest.CaptureFixture[str]) -> None:
    edit_manifest(bundle, change)
    with pytest.raises(BundleError, match=r"grd|manifest"):
        Denoiser(bundle)
    for command in ("inspect", "verify"):
        ended = run_command(capsys, command, bundle)
        assert ended.code in (0, 1, 5), (
            ended.err
        )  # what only the model's card contradicts is inspected, and not verified
        assert "bug" not in ended.err


def test_whole_noise_and_look_pass(bundle: Path) -> None:
    edit_manifest(bundle, lambda m: m.update(noise=noise(), look=look()))
    assert Denoiser(bundle).unlike(np.full((32, 32, 3), 100, np.uint8)) is not None


@pytest.mark.parametrize("content", [b" " * (MOST_MANIFEST + 1), b"[" * 900 + b"]" * 900, b"9" * 5000])
def test_a_manifest_that_is_too_much(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(bundle)


def test_no_more_of_a_huge_manifest_is_read(bundle: Path) -> None:
    with (bundle / "manifest.json").open("wb") as stream:
        stream.truncate(2**40)  # of holes
    with pytest.raises(BundleError, match="1,099,511,627,776"):
        within_time(lambda: load_bundle(bundle))


def put(bundle: Path, name: str, content: bytes) -> None:
    """Put a file into a bundle and its record into the manifest, wherever it is named."""
    (bundle / name).write_bytes(content)
    record = json.loads(file_record(bundle / name).model_dump_json())

    def change(value: Any) -> None:
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            change(inner)
        if isinstance(value, dict) and value.get("name") == name:
            value.update(record)

    edit_manifest(bundle, change)


def npy(array: Any, **options: Any) -> bytes:
    import io

    stream = io.BytesIO()
    (np.savez if options.pop("zipped", False) else np.save)(stream, array, **options)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


ARRAYS = {
    "nothing": b"",
    "no array": b"text",
    "a zip archive of arrays": npy(np.zeros((1, 3, 4, 4), np.float32), zipped=True),
    "objects": npy(np.array([{}]), allow_pickle=True),
    "text": npy(np.array([["a"]])),
    "float64": npy(np.zeros((1, 3, 4, 4))),
    "big endian": npy(np.zeros((1, 3, 4, 4), ">f4"))[:-4],
    "three axes": npy(np.zeros((3, 4, 4), np.float32)),
    "no axes": npy(np.float32(1)),
    "two frames": npy(np.zeros((2, 3, 4, 4), np.float32)),
    "one channel": npy(np.zeros((1, 1, 4, 4), np.float32)),
    "no pixels": npy(np.zeros((1, 3, 0, 4), np.float32)),
    "not finite": npy(np.full((1, 3, 4, 4), np.nan, np.float32)),
    "columns first": npy(np.asfortranarray(np.zeros((1, 3, 4, 4), np.float32))),
    "many pixels": npy(np.zeros((1, 3, 1024, 1024), np.float32)),
    "a huge shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 99999, 99999), }\n"),
    "a shape beyond all": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 10**40, 1), }\n"),
    "a negative shape": header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, -4, -4), }\n"),
    "a deep header": header("(" * 600),
    "a header of code": header("{'descr': __import__('os').system('true')}"),
    "a table with a list as key": header("{[]: 1}"),
    "a version of tomorrow": b"\x93NUMPY\x09\x00" + bytes(20),
}


@pytest.mark.parametrize("content", ARRAYS.values(), ids=ARRAYS.keys())
@pytest.mark.parametrize("name", ["test_input.npy", "test_output_grd.npy"])
def test_a_self_test_that_is_none(bundle: Path, name: str, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    put(bundle, name, content)
    for arguments in (("verify",), ("export", "--precision", "fp16"), ("bench", "--size", "64x64")):
        command, *rest = arguments
        if name != "test_input.npy" and command != "verify":
            continue
        ended = run_command(capsys, command, bundle, *rest)
        assert (ended.code, name in ended.err, "bug" in ended.err) == (5, True, False), ended.err


def test_a_self_test_costs_little_memory(bundle: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    put(bundle, "test_input.npy", npy(np.zeros((1, 3, 1100, 1100), np.float32)))
    with pytest.raises(BundleError, match="1,210,000 pixels"):
        verify_bundle(bundle, "cpu")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


def weights(table: dict[str, Any], data: bytes = b"") -> bytes:
    text = json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + data


WEIGHTS = {
    "nothing": b"",
    "no header": b"\xff" * 8,
    "a huge header": (2**40).to_bytes(8, "little") + b"{}",
    "no tensors": weights({}),
    "no JSON": weights({})[:8] + b"[[",
    "a tensor beyond the file": weights({"mbd.a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}),
    "a huge shape": weights({"mbd.a": {"dtype": "F32", "shape": [2**62, 8], "data_offsets": [0, 4]}}, bytes(4)),
    "an unknown type": weights({"mbd.a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "whole numbers": weights({"mbd.a": {"dtype": "I32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "not a number": weights({"mbd.a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"\0\0\xc0\x7f"),
    "another network": weights({"unet.a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "another layer": weights({"mbd.a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
    "an empty tensor": weights({"mbd.a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
}


@pytest.mark.parametrize("content", WEIGHTS.values(), ids=WEIGHTS.keys())
def test_weights_that_are_none(bundle: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    put(bundle, "weights.safetensors", content)
    ended = run_command(capsys, "export", bundle)
    assert (ended.code, "bug" in ended.err) == (5, False), ended.err


METHODS: dict[str, Change] = {
    "huge channels": lambda m: m["method"]["mbd"].update(hidden_channels=10**9),
    "channels beyond all": lambda m: m["method"]["mbd"].update(hidden_channels=10**30),
    "huge levels": lambda m: m["method"]["grd"].update(widths=[10**6] * 6),
    "other levels": lambda m: m["method"]["grd"].update(widths=[8, 12]),
    "no method": lambda m: m.update(method={}),
    "a long name": lambda m: m["method"].update({"x" * 10**6: 1}),
    "a list for a table": lambda m: m["method"].update(mbd=[]),
}


@pytest.mark.parametrize("change", METHODS.values(), ids=METHODS.keys())
def test_a_method_that_the_weights_do_not_fit(bundle: Path, change: Change, capsys: pytest.CaptureFixture[str]) -> None:
    edit_manifest(bundle, change)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = run_command(capsys, "export", bundle)
    assert (ended.code, "bug" in ended.err) == (5, False), ended.err
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


def test_models_without_onnx_files_are_named(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in the project of export --cpp."""

    def leave_torchscript(content: dict[str, Any]) -> None:
        for model in content["models"]:
            model["files"].pop("onnx")

    edit_manifest(bundle, leave_torchscript)
    for arguments in (
        ("verify",),
        ("bench", "--size", "64x64", "--seconds", "0"),
        ("export", "--precision", "fp16"),
        ("export", "--io", "unit"),
    ):
        command, *rest = arguments
        ended = run_command(capsys, command, bundle, *rest)
        assert (ended.code in (4, 5), "bug" in ended.err) == (True, False), ended.err
