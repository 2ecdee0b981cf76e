"""What an OME-Zarr image says of itself: version, axes, levels of its pyramid, channels.

Source: the specifications 0.4 and 0.5, https://ngff.openmicroscopy.org/specifications
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsn2m_runtime.errors import InputError, UnavailableError
from zsn2m_runtime.files.axes import CHANNEL, Channel, Step
from zsn2m_runtime.files.extras import import_extra
from zsn2m_runtime.files.zarr_places import address_of
from zsn2m_runtime.plain_text import one_line
from zsn2m_runtime.sample_types import SAMPLE_DTYPES, conversion_of

VERSIONS = ("0.4", "0.5")
_LETTERS = {"t": "T", "c": CHANNEL, "z": "Z"}
_OTHER_LETTERS = "RQJNOUW"  # of axes with names of their own, such as the angle of a light sheet
MOST_CHUNKS = 10**6  # of a shard, whose index zarr keeps in memory: 16 bytes each (chosen)
MOST_NAMED = 5  # images of a plate or collection that a message names

Json = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Multiscale:
    """An OME-Zarr image that is open.

    Attributes:
        group: the Zarr group that was named
        image: where the image is in it; empty: it is the image
        levels: arrays of the pyramid, the full one first
        paths: of those arrays within `group`
        letters: of the axes before y and x, as in StackAxes
        channels: at least one
        left: what of the file is no part of the image, in sentences
    """

    group: Any
    image: str
    version: str
    levels: tuple[Any, ...]
    paths: tuple[str, ...]
    letters: str
    channels: tuple[Channel, ...]
    steps: tuple[Step, ...]
    left: tuple[str, ...]


def open_multiscale(path: Path) -> Multiscale:
    """Read and check the metadata of an image.

    Raises:
        InputError: no OME-Zarr image, or one of another version.
        UnavailableError: zarr, or what reads the address, is not installed.
    """
    if path.is_file():
        raise _no_image(path, "a file", "unpack it if it is a zip archive, as OME-Zarr is a folder")
    zarr = import_extra("zarr", "zarr", path)
    node = _opened(zarr, path)
    if not isinstance(node, zarr.Group):
        raise _no_image(path, f"a plain Zarr array of shape {node.shape}", "name the group that holds it, if there is")
    try:
        content = _ome(node)
        if content.get("bioformats2raw.layout") and "multiscales" not in content:
            return _only_image(path, node)
        return _multiscale(path, node, content, "")
    except InputError:
        raise
    except Exception as error:  # metadata may be wrong in any way, and arrays may be missing
        raise damaged(path, error) from error


def _opened(zarr: Any, path: Path) -> Any:
    address = address_of(path)
    store = _store_at(zarr, path, address) if address else _store_of(path)
    try:
        return zarr.open(store, mode="r", use_consolidated=False)
    except InputError:
        raise
    except Exception as error:  # of stores and of JSON
        there = f"{address or path}: expected an OME-Zarr image, but nothing there can be opened as one"
        raise InputError(f"{there} ({one_line(str(error) or repr(error))}); check the path") from error


def _store_of(path: Path) -> Any:
    from zsn2m_runtime.files.zarr_store import PlainStore

    return PlainStore(path, read_only=True)


def _store_at(zarr: Any, path: Path, address: str) -> Any:
    import_extra("fsspec", "zarr", path)
    try:
        return zarr.storage.FsspecStore.from_url(address, read_only=True)
    except (ImportError, ValueError) as error:
        raise UnavailableError(
            f"{address}: expected a package of fsspec that reads such addresses (s3fs, gcsfs, adlfs, aiohttp), but "
            f"got: {error}; install it"
        ) from error


def _ome(group: Any) -> Json:
    """The attributes that OME-Zarr defines; those of 0.5 have a place of their own."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes


def _only_image(path: Path, group: Any) -> Multiscale:
    """The image of a collection that bioformats2raw made, if it has one."""
    names: list[str] = []
    while str(len(names)) in group:
        names.append(str(len(names)))
    if len(names) != 1:
        there = ", ".join(f"{path}/{name}" for name in names[:MOST_NAMED]) or "none"
        raise _no_image(path, f"a collection of {len(names)}", f"name one of its images ({there})")
    return _multiscale(path, group, _ome(group["0"]), "0")


def _multiscale(path: Path, group: Any, content: Json, image: str) -> Multiscale:
    if "plate" in content or "well" in content:
        kind = "plate" if "plate" in content else "well"
        raise _no_image(path, f"a {kind} of many", f"name the image of one field ({', '.join(_fields(path, content))})")
    if "image-label" in content:
        raise _no_image(path, "labels, which have no noise", "name the image that they belong to")
    found = content.get("multiscales")
    if not isinstance(found, list) or not found:
        raise _no_image(path, "a Zarr group without multiscales", "name the image in it, or save it with ome-zarr")
    return _checked(path, group, content, image)


def _checked(path: Path, group: Any, content: Json, image: str) -> Multiscale:
    said = content["multiscales"]
    first = said[0]
    version = str(content.get("version", first.get("version", "")))
    axes = first.get("axes")
    has_axes = isinstance(axes, list) and all(isinstance(axis, dict) for axis in axes)
    if version not in VERSIONS and not (has_axes and not version):
        got = f"version {version}" if version else "one without a version or axes"
        raise InputError(
            f"{path}: expected OME-Zarr {' or '.join(VERSIONS)}, but got {one_line(got)}; convert it with ome-zarr-py"
        )
    if not has_axes:
        raise InputError(f"{path}: expected axes, which OME-Zarr {version} has to name, but got none; save it again")
    named = ("/".join((image, dataset["path"])) for dataset in first["datasets"])
    paths = tuple("/".join(filter(None, name.split("/"))) for name in named)
    if len(set(paths)) != len(paths):
        raise damaged(path, "two of its levels are one array")
    levels = tuple(group[each] for each in paths)
    _check_arrays(path, axes, levels)
    letters = _letters(axes)
    omero = content.get("omero") or {}
    labels = [str(channel.get("label") or "") for channel in omero.get("channels") or []]
    count = levels[0].shape[letters.index(CHANNEL)] if CHANNEL in letters else 1
    names = [one_line(label) for label in labels] if len(labels) == count else [""] * count
    left = (f"of {len(said)} multiscales the first is read; the others stay as they are",) if len(said) > 1 else ()
    return Multiscale(
        group,
        image,
        version or VERSIONS[0],
        levels,
        paths,
        letters,
        tuple(Channel(number + 1, name) for number, name in enumerate(names)),
        _steps(first, axes),
        left,
    )


def _check_arrays(path: Path, axes: Sequence[Json], levels: Sequence[Any]) -> None:
    names = [str(axis["name"]) for axis in axes]
    if [name.lower() for name in names[-2:]] != ["y", "x"] or len(set(names)) != len(names):
        raise InputError(
            f"{path}: expected axes that end with y and x, as OME-Zarr orders them, but got {', '.join(names)}; "
            f"transpose it"
        )
    full = levels[0]
    for level in levels:
        if not hasattr(level, "chunks") or level.ndim != len(axes) or level.dtype != full.dtype:
            raise damaged(path, f"level {level.path} is not an array of {len(axes)} axes and {full.dtype}")
        if math.prod(level.shards or ()) > MOST_CHUNKS * math.prod(level.chunks):
            raise damaged(path, f"level {level.path} has shards of more than {MOST_CHUNKS:,} chunks")
        if any(small > large for small, large in zip(level.shape, full.shape, strict=True)) or not all(level.shape):
            raise damaged(path, f"level {level.path} has shape {level.shape}, and the full one {full.shape}")
    if full.dtype.name not in SAMPLE_DTYPES:
        raise InputError(
            f"{path}: expected samples of {', '.join(SAMPLE_DTYPES)}, but got {full.dtype.name}; "
            f"{conversion_of(full.dtype.name)}"
        )


def _letters(axes: Sequence[Json]) -> str:
    others = iter(_OTHER_LETTERS)
    found = ""
    for axis in axes[:-2]:
        letter = CHANNEL if axis.get("type") == "channel" else _LETTERS.get(str(axis["name"]).lower(), "")
        found += letter if letter and letter not in found else next(others)
    return found


def _steps(first: Json, axes: Sequence[Json]) -> tuple[Step, ...]:
    """The distances of neighbours in the full level: its scale times that of all levels."""
    lists = (first.get("coordinateTransformations"), first["datasets"][0].get("coordinateTransformations"))
    scales = [each["scale"] for one in lists for each in one or () if each.get("type") == "scale"]
    if not scales:
        return ()
    sizes = [math.prod(map(float, values)) for values in zip(*scales, strict=True)]
    found = {
        str(axis["name"]).upper(): (size, str(axis.get("unit") or "")) for axis, size in zip(axes, sizes, strict=True)
    }
    wanted = [letter for letter in "XYZT" if letter in found and found[letter][1]]
    return tuple(Step(letter, found[letter][0], one_line(found[letter][1])) for letter in wanted)


def _fields(path: Path, content: Json) -> list[str]:
    """Paths of a few images of a plate or a well."""
    if "well" in content:
        return [f"{path}/{image['path']}" for image in content["well"].get("images", [])[:MOST_NAMED]]
    return [f"{path}/{well['path']}/0" for well in content["plate"].get("wells", [])[:MOST_NAMED]]


def _no_image(path: Path, got: str, advice: str) -> InputError:
    return InputError(f"{path}: expected an OME-Zarr image, but got {got}; {advice}")


def damaged(path: Path, reason: object) -> InputError:
    """Metadata and codecs fail in many ways; to the user they all mean this."""
    said = one_line(str(reason) or repr(reason))
    return InputError(
        f"{path}: expected a complete OME-Zarr image, but got a damaged one ({said}); copy or export it again"
    )
