"""docs/manifest.md: every field of manifest.json, from the models that read and write it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zsn2m_runtime.manifest import Manifest, ModelCard

HEAD = """# manifest.json, field by field

Made by `python -m scripts.docs` from the models that read and write it. What the files are: [bundle](bundle.md).
Readers ignore fields that they do not know: a later version may add some. `schema_version` rises only where older
readers would go wrong. Numbers are finite; sensor units are the values in the image files.
"""
WORDS = {  # of fields whose models have no description
    "Manifest.schema_version": "refuse what is larger than you know",
    "Manifest.created": "ISO 8601, UTC",
    "Manifest.versions": "of python and the packages that wrote the models",
    "Manifest.method": "the whole configuration of the training: [fields](api.md#configuration)",
    "Manifest.seed": "of the training",
    "Manifest.sensor": "what a frame must be",
    "Manifest.normalisation": "part of the graph; for runtimes that report in units of the range in use",
    "Manifest.models": "in any order; never assume which ids exist",
    "Manifest.weights": "absent: the bundle cannot be exported again",
    "Manifest.self_test_input": "`test_input.npy`",
    "Manifest.extras": "files for people: preview, report, the frame's own result",
    "Manifest.training": "what happened in training",
    "FileRecord.name": "in the bundle's folder; never a path",
    "FileRecord.bytes": "size",
    "FileRecord.sha256": "in lower-case hexadecimal",
    "ChannelRecord.number": "from 1",
    "Sensor.dtype": "sample type of the frames",
    "Sensor.channels": "1: grey; 3: RGB",
    "Sensor.range": "lowest and highest value; integer results are clamped to it",
    "NoiseRecord.floor": "of each channel, sensor units squared",
    "Normalisation.offset": "sensor units",
    "Normalisation.scale": "sensor units",
    "ModelFacts.id": "such as `sensor` or `sensor.int8`",
    "ModelFacts.role": "the network: `sensor` (the default), `mbd`, `grd`",
    "ModelFacts.precision": "`fp32`, `fp16` or `int8`",
    "ModelFacts.input": "name of the graph's input",
    "ModelFacts.output": "name of the graph's output",
    "ModelFacts.dynamic_axes": "axes of the input that may have any length",
    "ModelFacts.parameters": "how many weights",
    "ModelCard.schema_version": "as the manifest's",
    "ModelCard.sensor": "as the manifest's",
    "ModelCard.normalisation": "as the manifest's",
    "Parity.onnxruntime": "largest difference of the ONNX file",
    "Parity.tolerance": "the largest difference that was accepted",
    "NoiseGroup.noise": "of these frames",
    "NoiseGroup.look": "of these frames",
    "ModelEntry.files": "the file of each format",
}


def page() -> str:
    """The text of the page.

    Raises:
        KeyError: a field has neither a description nor words here.
    """
    return "\n".join([HEAD, *[_table(model) for model in _models(Manifest, [])], _table(ModelCard)])


def _models(model: type[BaseModel], found: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """A model and those that its fields are of, each once, in the order of their first use."""
    if model not in found:
        found.append(model)
        for info in model.model_fields.values():
            for part in _parts(info.annotation):
                _models(part, found)
    return found


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _table(model: type[BaseModel]) -> str:
    rows = [f"| `{name}` | {_kind(info)} | {_words(model, name, info)} |" for name, info in model.model_fields.items()]
    note = inspect.getdoc(model) or ""
    return "\n".join([f"## {model.__name__}\n", note, "", "| field | type | |", "| --- | --- | --- |", *rows, ""])


def _kind(info: FieldInfo) -> str:
    annotation = info.annotation
    if inspect.isclass(annotation) and not get_args(annotation):
        text = annotation.__name__
    else:
        text = re.sub(r"\b(?:zsn2m_runtime\.\w+|typing)\.", "", str(annotation))
    if "'uint8'" in text:
        text = "name of a NumPy type"
    named = re.sub(r"Annotated\[str, .*\]", "str", text).replace("NoneType", "None")
    return f"`{_cell(named)}`" if not named.startswith("name") else named


def _words(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    if info.description:
        return _cell(info.description)
    for owner in model.__mro__:
        if f"{owner.__name__}.{name}" in WORDS:
            return WORDS[f"{owner.__name__}.{name}"]
    raise KeyError(f"expected words for {model.__name__}.{name}; give the field a description")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
