"""OME-Zarr images of both versions, written by zarr itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zsn2m_runtime.files import open_image
from zsn2m_runtime.image import Frame

WHY = "OME-Zarr needs zarr: pip install 'zsn2m-deploy[zarr]'"
UNITS = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
KINDS = {"t": "time", "c": "channel"}

Shrink = Callable[[np.ndarray], np.ndarray]


def mean_of_areas(array: np.ndarray) -> np.ndarray:
    """Half of the rows and columns, not rounded; the oracle of the default."""
    *before, height, width = array.shape
    areas = array.astype(np.float64).reshape(*before, height // 2, 2, width // 2, 2)
    return areas.mean(axis=(-3, -1))


def every_second(array: np.ndarray) -> np.ndarray:
    """Half of the rows and columns, as bioformats2raw makes them."""
    return array[..., ::2, ::2]


def mean_of_cubes(array: np.ndarray) -> np.ndarray:
    """Half of the planes, rows and columns, not rounded."""
    *before, depth, height, width = array.shape
    cubes = array.astype(np.float64).reshape(*before, depth // 2, 2, height // 2, 2, width // 2, 2)
    return cubes.mean(axis=(-5, -3, -1))


def write_ome_zarr(
    path: Path,
    array: np.ndarray,
    axes: str = "tczyx",
    version: str = "0.5",
    chunks: tuple[int, ...] | None = None,
    shards: tuple[int, ...] | None = None,
    levels: int = 2,
    shrink: Shrink = mean_of_areas,
    channels: tuple[str, ...] = (),
    **changes: Any,
) -> Path:
    """An image with a pyramid, labels and attributes of its own.

    Args:
        changes: of the metadata of the multiscale
    """
    import zarr
    from zarr.codecs import BloscCodec

    zarr_format = 2 if version == "0.4" else 3
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    datasets = []
    for level in range(levels):
        if level:
            array = np.rint(shrink(array)).astype(array.dtype)
        options: dict[str, Any] = {"chunks": tuple(map(min, chunks or array.shape, array.shape))}
        if shards:
            options["shards"] = shards
        if zarr_format == 3:
            options |= {"compressors": BloscCodec(cname="zstd", clevel=3), "dimension_names": list(axes)}
        group.create_array(str(level), data=array, **options)
        scale = [0.5 * 2**level if axis in "yx" else 1.5 for axis in axes]
        transforms = [{"type": "scale", "scale": scale}]
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
    said = [
        {"name": axis, "type": KINDS.get(axis, "space"), **({"unit": UNITS[axis]} if axis in UNITS else {})}
        for axis in axes
    ]
    multiscale = {"name": "cells", "axes": said, "datasets": datasets, "type": "mean", **changes}
    omero = {"channels": [{"label": name, "color": "00FF00", "window": {}} for name in channels]}
    content: dict[str, Any] = {"multiscales": [multiscale]} | ({"omero": omero} if channels else {})
    if version == "0.4":
        multiscale.setdefault("version", version)
        group.attrs.update(content | {"mine": {"objective": "63x"}})
    else:
        group.attrs.update({"ome": {"version": version, **content}, "mine": {"objective": "63x"}})
    labels = group.create_group("labels")
    labels.attrs.update({"labels": []})
    labels.create_array("nuclei", data=np.arange(12, dtype=np.uint8).reshape(3, 4))
    return path


def noisy_stack(shape: tuple[int, ...], dtype: str = "uint16", high: int = 4095, seed: int = 0) -> np.ndarray:
    """Planes of a ramp with noise."""
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0.2, 0.8, shape[-1]) * np.linspace(0.7, 1.0, shape[-2])[:, None]
    noisy = np.clip(ramp + generator.normal(0, 0.05, shape), 0, 1) * high
    return noisy.astype(dtype) if np.dtype(dtype).kind == "f" else np.rint(noisy).astype(dtype)


def levels_of(path: Path) -> list[np.ndarray]:
    """All levels, by zarr itself."""
    import zarr

    group = zarr.open_group(path, mode="r")
    content = group.attrs.get("ome", group.attrs)
    return [np.asarray(group[dataset["path"]]) for dataset in content["multiscales"][0]["datasets"]]


def metadata_of(path: Path) -> dict[str, bytes]:
    """Every metadata file, and every file of the labels, by its place."""
    names = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
    files = [file for file in path.rglob("*") if file.is_file()]
    kept = [file for file in files if file.name in names or "labels" in file.parts]
    return {str(file.relative_to(path)): file.read_bytes() for file in kept}


def halved(source: Path, out: Path, unchanged: Callable[[int], bool] = lambda page: False) -> None:
    """Write the source with half of its values, but for pages that are unchanged."""
    with open_image(source) as image, image.create(out) as writer:
        for page, frame in enumerate(image):
            kept = unchanged(page)
            writer.write(frame if kept else Frame(frame.pixels // 2), kept)
