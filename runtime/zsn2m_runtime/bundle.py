"""Reading a bundle: nothing of it is used before its schema, sizes and hashes are checked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import MANIFEST_NAME, SCHEMA_VERSION, FileRecord, Manifest, ModelEntry
from zsn2m_runtime.path_kinds import no_bundle
from zsn2m_runtime.validation import first_fault


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: its folder and its manifest."""

    path: Path
    manifest: Manifest

    def model(self, model_id: str | None = None) -> ModelEntry:
        """One model that takes frames in sensor units, by its id, or the default one.

        Raises:
            UsageError: if there is no such model, or it is a twin for other arrays.
            BundleError: if the bundle holds no exported model.
        """
        if not self.manifest.models:
            raise BundleError(
                f"{self.path}: expected exported models, but it holds trained weights only; "
                f"run: zsn2m-deploy export {self.path}"
            )
        wanted = model_id or self.manifest.default
        for model in self.manifest.models:
            if model.id == wanted and model.io == "sensor":
                return model
        known = ", ".join(model.id for model in self.manifest.models if model.io == "sensor")
        if any(model.id == wanted for model in self.manifest.models):
            raise UsageError(
                f"{self.path}: expected one of the models {known}, but {wanted} is for programs that bring arrays of "
                f"their own; load its file there"
            )
        raise UsageError(f"{self.path}: expected one of the models {known}, but got {wanted!r}")

    def file(self, record: FileRecord) -> Path:
        """Where a file of the bundle is."""
        return self.path / record.name


def load_bundle(path: str | Path) -> Bundle:
    """Read a bundle folder and check its schema version and every file's size and SHA-256.

    Raises:
        BundleError: naming the file that is missing, damaged, or of a newer version.
    """
    bundle = Bundle(Path(path), read_manifest(Path(path)))
    for record in bundle.manifest.file_records():
        _check_file(bundle, record)
    return bundle


def read_manifest(path: Path) -> Manifest:
    """The manifest of a bundle folder, its schema checked.

    Raises:
        BundleError: if it is no bundle, or not one that this version can read.
    """
    file = path / MANIFEST_NAME
    if not path.is_dir() or not file.is_file():
        raise BundleError(f"{path}: expected a bundle folder with a {MANIFEST_NAME}, but {no_bundle(path)}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except KeyError as error:
        raise BundleError(
            f"{file}: expected a manifest in JSON with a schema_version, but got one without, as of another program; "
            f"name the folder that train-and-export wrote"
        ) from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{file}: expected a manifest in JSON, but it cannot be read ({error}); export again"
        ) from error
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise BundleError(
            f"{file}: expected schema version {SCHEMA_VERSION} or older, but got {version}; "
            f"upgrade with: pip install --upgrade zsn2m-deploy"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        name, fault = first_fault(error)
        raise BundleError(
            f"{file}: {name}: {fault}; the manifest is damaged: copy the bundle again, or export again"
        ) from error


def file_record(path: Path) -> FileRecord:
    """Name, size and SHA-256 of a file as it is now."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileRecord(name=path.name, bytes=path.stat().st_size, sha256=digest)


def _check_file(bundle: Bundle, record: FileRecord) -> None:
    path = bundle.file(record)
    if not path.is_file():
        raise BundleError(f"{path}: expected this file in the bundle, but it is missing; copy the whole folder again")
    size = path.stat().st_size
    if size != record.bytes:
        raise BundleError(f"{path}: expected {record.bytes} bytes, but got {size}; copy the bundle again")
    if file_record(path).sha256 != record.sha256:
        raise BundleError(f"{path}: its SHA-256 is not the manifest's: the file has changed; copy the bundle again")
