"""Reading bundles: whole ones are read, every kind of damage is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.bundles import BundleMaker, edit_manifest

from zsn2m_runtime.bundle import file_record, load_bundle
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import SCHEMA_VERSION, ModelCard

FILES = (
    "grd.onnx",
    "grd.ts",
    "mbd.onnx",
    "mbd.ts",
    "test_input.npy",
    "test_output_grd.npy",
    "test_output_mbd.npy",
    "weights.safetensors",
)


@pytest.fixture
def bundle(make_bundle: BundleMaker, tmp_path: Path) -> Path:
    """A copy to damage."""
    return shutil.copytree(make_bundle(), tmp_path / "cam.zsn2m")


def test_a_whole_bundle_is_read(bundle: Path) -> None:
    loaded = load_bundle(str(bundle))
    assert sorted(record.name for record in loaded.manifest.file_records()) == list(FILES)
    assert {path.name for path in bundle.iterdir()} == {*FILES, "manifest.json"}
    assert loaded.model().id == loaded.manifest.default == "grd"
    assert loaded.model("mbd").receptive_radius == 2
    assert loaded.file(loaded.model("mbd").files["onnx"]) == bundle / "mbd.onnx"


def test_a_later_minor_versions_keys_are_ignored(bundle: Path) -> None:
    def add_keys(content: dict[str, Any]) -> None:
        content["lens"] = "35 mm"
        content["models"][0]["latency"] = 3

    edit_manifest(bundle, add_keys)
    assert load_bundle(bundle).model().id == "grd"


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_is_found(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name}: .*SHA-256"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_found(bundle: Path, name: str) -> None:
    content = (bundle / name).read_bytes()
    (bundle / name).write_bytes(content[:-1])
    with pytest.raises(BundleError, match=f"{name}: .*{len(content) - 1}"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: .*missing"):
        load_bundle(bundle)


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99, "1", None, 1.5])
def test_another_schema_version_is_refused_before_anything_else(bundle: Path, version: object) -> None:
    (bundle / "manifest.json").write_text(json.dumps({"schema_version": version, "everything": "else differs"}))
    with pytest.raises(BundleError, match="schema version"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2]", b"null", b"1", b'"text"', b"{}", b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "number", "text", "no version", "no UTF-8", "nested"],
)
def test_a_manifest_that_is_none(bundle: Path, content: bytes) -> None:
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"manifest\.json: .*JSON"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../secret.onnx", "/etc/passwd", "a/b.onnx", "a\\b.onnx", "..", ".hidden", "", "mbd.onnx\n", "x\0.onnx"]
)
def test_file_names_cannot_leave_the_bundle(bundle: Path, name: str) -> None:
    (bundle.parent / "secret.onnx").write_bytes((bundle / "mbd.onnx").read_bytes())
    edit_manifest(bundle, lambda content: content["models"][0]["files"]["onnx"].update(name=name))
    with pytest.raises(BundleError, match=r"models\.0\.files\.onnx\.name"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("sensor", lambda content: content.pop("sensor")),
        ("sensor.dtype", lambda content: content["sensor"].update(dtype="complex64")),
        ("normalisation.scale", lambda content: content["normalisation"].update(scale=0)),
        ("models.0.stride", lambda content: content["models"][0].update(stride=0)),
        ("models.0.receptive_radius", lambda content: content["models"][0].update(receptive_radius=-1)),
        ("weights.sha256", lambda content: content["weights"].update(sha256="0" * 63)),
        ("weights.bytes", lambda content: content["weights"].update(bytes=-1)),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(
    bundle: Path, field: str, change: Callable[[dict[str, Any]], object]
) -> None:
    edit_manifest(bundle, change)
    with pytest.raises(BundleError, match=rf"manifest\.json: {field}: "):
        load_bundle(bundle)


def test_no_bundle_at_all(bundle: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none", bundle / "mbd.onnx", tmp_path):
        with pytest.raises(BundleError, match=rf"{path.name}: .*manifest\.json"):
            load_bundle(path)


def test_unknown_model_names_the_known_ones(bundle: Path) -> None:
    with pytest.raises(UsageError, match=r"mbd, grd, .*unet"):
        load_bundle(bundle).model("unet")


def test_weights_alone_ask_for_an_export(bundle: Path) -> None:
    edit_manifest(bundle, lambda content: content.update(models=[], default=None))
    loaded = load_bundle(bundle)
    assert loaded.manifest.weights is not None
    with pytest.raises(BundleError, match="weights only"):
        loaded.model()


def test_file_record_is_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "abc.txt").write_bytes(b"abc")
    record = file_record(tmp_path / "abc.txt")
    assert (record.name, record.bytes) == ("abc.txt", 3)
    assert record.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_a_models_card_says_what_the_manifest_says(bundle: Path) -> None:
    manifest = load_bundle(bundle).manifest
    card = manifest.card(manifest.models[0])
    assert ModelCard.model_validate_json(card.model_dump_json()) == card
    assert (card.id, card.sensor, card.normalisation) == ("mbd", manifest.sensor, manifest.normalisation)
