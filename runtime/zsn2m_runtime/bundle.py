"""Reading a bundle; schema, sizes and hashes are checked before anything of it is used."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from zsn2m_runtime.commands import export_command
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import MANIFEST_NAME, MOST_MANIFEST, SCHEMA_VERSION, Manifest
from zsn2m_runtime.model_record import FileRecord, ModelEntry
from zsn2m_runtime.path_kinds import no_bundle
from zsn2m_runtime.plain_file import check_plain, read_checked, read_plain
from zsn2m_runtime.validation import fault_in_words

DEEPEST = 32  # levels of JSON; exports have 6: docs/decisions/bundle-limits.md


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest was checked.

    path: its folder
    """

    path: Path
    manifest: Manifest

    def model(self, model_id: str | None = None) -> ModelEntry:
        """A model that takes frames in sensor units, by its id; None: the default one.

        Raises:
            UsageError: no such model, or one that takes other arrays.
            BundleError: no exported model, or no default one.
        """
        if not self.manifest.models:
            raise BundleError(
                f"{self.path}: expected exported models, but it holds trained weights only; "
                f"run: {export_command(self.path)}"
            )
        wanted = model_id or self.manifest.default
        for model in self.manifest.models:
            if model.id == wanted and model.io == "sensor":
                return model
        known = ", ".join(model.id for model in self.manifest.models if model.io == "sensor")
        if wanted is None:
            raise BundleError(f"{self.path}: expected a default model in its manifest, but got none; name one: {known}")
        if any(model.id == wanted for model in self.manifest.models):
            raise UsageError(
                f"{self.path}: expected one of the models {known}, but {wanted} is for programs that bring arrays of "
                f"their own; load its file there"
            )
        raise UsageError(f"{self.path}: expected one of the models {known}, but got {wanted!r}")

    def file(self, record: FileRecord) -> Path:
        """The path of a file of the bundle."""
        return self.path / record.name

    def content(self, record: FileRecord) -> bytes:
        """The bytes of a file of the bundle, checked against the manifest.

        Raises:
            BundleError: a file that is missing, damaged or no plain file.
        """
        return read_checked(self.file(record), record.bytes, record.sha256)

    def check_files(self, apart_from: FileRecord | None = None) -> None:
        """Check size and SHA-256 of every file, except for one that the caller checks.

        Raises:
            BundleError: naming the file that is missing, damaged or no plain file.
        """
        for record in dict.fromkeys(self.manifest.file_records()):
            if record != apart_from:
                check_plain(self.file(record), record.bytes, record.sha256)


def load_bundle(path: str | Path) -> Bundle:
    """Read a bundle folder; check its schema version, and size and SHA-256 of every file.

    Raises:
        BundleError: naming the file that is missing, damaged, or of a newer version.
    """
    bundle = Bundle(Path(path), read_manifest(Path(path)))
    bundle.check_files()
    return bundle


def read_manifest(path: Path) -> Manifest:
    """The manifest of a bundle folder, with its schema checked; files are not.

    Raises:
        BundleError: no bundle, a damaged manifest, or one of a newer version.
    """
    file = path / MANIFEST_NAME
    if not os.path.isdir(path) or not os.path.lexists(file):  # noqa: PTH112 - False for what is too long to be a path
        raise BundleError(f"{path}: expected a bundle folder with a {MANIFEST_NAME}, but {no_bundle(path)}")
    try:
        content = json.loads(read_plain(file, MOST_MANIFEST).decode())
        version = content["schema_version"]
        check_nesting(content)
    except KeyError as error:
        raise BundleError(
            f"{file}: expected a manifest in JSON with a schema_version, but got one without, as of another program; "
            f"name the folder that train-and-export wrote"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{file}: expected a manifest in JSON, but it cannot be read ({error}); export again"
        ) from error
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise BundleError(
            f"{file}: expected schema version {SCHEMA_VERSION} or older, but got {str(version)[:40]}; "
            f"upgrade with: pip install --upgrade zsn2m-deploy"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise BundleError(
            f"{file}: {fault_in_words(error)}; the manifest is damaged: copy the bundle again, or export again"
        ) from error


def check_nesting(content: object) -> None:
    """Refuse parsed JSON that could not be written again.

    Raises:
        ValueError: more than DEEPEST levels, text that UTF-8 cannot encode, or a number that is not finite.
    """
    level: list[object] = [content]
    for _ in range(DEEPEST):
        deeper: list[object] = []
        for value in level:
            if isinstance(value, dict):
                deeper += value.keys()
                deeper += value.values()
            elif isinstance(value, list):
                deeper += value
            elif isinstance(value, str):
                value.encode()  # fails for half a surrogate pair; UnicodeEncodeError is a ValueError
            elif isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"{value}, which is no number of JSON")
        level = deeper
    if level:
        raise ValueError(f"values nested in more than {DEEPEST} others")


def file_record(path: Path) -> FileRecord:
    """Name, size in bytes and SHA-256 of a file as it is now."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileRecord(name=path.name, bytes=path.stat().st_size, sha256=digest)
