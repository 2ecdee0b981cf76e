"""One onnxruntime session on the provider that was asked for."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
from pathlib import Path

import numpy as np

from zsn2m_runtime.errors import BundleError, UnavailableError
from zsn2m_runtime.inference.providers import CONCURRENT, Threads, open_first, parse_provider
from zsn2m_runtime.machine.installation import doubled_advice, import_onnxruntime, installed_onnxruntimes
from zsn2m_runtime.model_record import MOST_MODEL
from zsn2m_runtime.onnx_checks.limits import OnnxLimits
from zsn2m_runtime.plain_file import read_plain
from zsn2m_runtime.sample_types import Nchw, Strength

log = logging.getLogger(__name__)


class Session:
    """An ONNX model ready to run on one provider; several threads may use it.

    Calls go to onnxruntime one at a time where the provider may not take two (`CONCURRENT`).

    Args:
        model: the ONNX file
        provider: auto, or `NAME[:option=value[,option=value...]]`
        threads: of the CPU; 0 is one per core
        spinning: threads wait busily for the next frame; wasted on a live stream, whose frames come at their own pace
        sha256: the hash that the file must have; what was hashed is what is loaded

    Attributes:
        provider: the short name of the provider that really runs it
        metadata: the model file's metadata_props
        limits: what the model takes and gives, and on which frames it may run
    Raises:
        UsageError: unknown provider name, or threads that no machine has.
        UnavailableError: the provider asked for does not run here.
        BundleError: the file is no model that onnxruntime can load, holds what no export holds, or has changed.
    """

    def __init__(
        self,
        model: Path,
        provider: str = "auto",
        threads: int = 0,
        spinning: bool = True,
        sha256: str | None = None,
    ) -> None:
        candidates = parse_provider(provider)
        runtime = import_onnxruntime()
        warn_of_doubled()
        content = _read(model, sha256)
        self._name = str(model)
        self.limits = OnnxLimits(content, self._name)
        self.provider, self._session = open_first(runtime, content, self._name, candidates, Threads(threads, spinning))
        try:
            self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        except UnicodeDecodeError as error:
            raise BundleError(
                f"{model}: expected metadata in UTF-8, but it is damaged ({error.reason}); export again"
            ) from error
        self._turn = contextlib.nullcontext() if self.provider in CONCURRENT else threading.Lock()

    def run(self, noisy: Nchw, strength: Strength | None = None) -> Nchw:
        """Denoise one batch.

        Args:
            strength: of the noise, for a model that takes it: a number, or one a pixel, (h, w); None: its own, 1
        Shape:
            noisy: (n, c, h, w) float32, sensor units
            returns: the same shape
        Raises:
            UnavailableError: the provider failed, of memory for example.
            BundleError: the model is not for frames of this shape, takes no such input, or would take far too much.
        """
        self.limits.check(noisy.shape)
        given = self.inputs(noisy, strength)
        try:
            with self._turn:
                result: Nchw = self._session.run([self.limits.output.name], given)[0]
        except Exception as error:  # onnxruntime has no common base class of its errors
            raise UnavailableError(
                f"expected provider {self.provider} to run a frame of shape {noisy.shape}, but onnxruntime says: "
                f"{error}; free some memory, or use --provider cpu"
            ) from error
        return result

    def inputs(self, noisy: Nchw, strength: Strength | None = None) -> dict[str, Nchw]:
        """What onnxruntime is given for a run, by name.

        Raises:
            BundleError: the model takes no strength, and one is given.
        """
        given = {self.limits.input.name: noisy}
        if strength is None:
            return given
        if self.limits.strength is None:
            raise BundleError(
                f"expected a model that takes the strength of the noise, but {self._name} takes frames alone; run the "
                f"model video, or leave the strength out"
            )
        return given | {self.limits.strength.name: strength_input(strength)}


def strength_input(strength: Strength) -> Nchw:
    """A strength of the noise as models take it: (1, 1, 1, 1), or (1, 1, h, w)."""
    return np.asarray(strength, np.float32).reshape(1, 1, *(np.shape(strength) or (1, 1)))


@functools.cache  # which packages are installed is looked up once, as it takes as long as a small model's checks
def warn_of_doubled() -> None:
    """Warn, once, where several onnxruntimes overwrite each other's files."""
    found = installed_onnxruntimes()
    if len(found) > 1:
        log.warning(doubled_advice(found))


def _read(model: Path, sha256: str | None) -> bytes:
    """The bytes of a model file, hashed; onnxruntime gets these, not the path, which may lead elsewhere by then."""
    if not os.path.lexists(model):
        raise BundleError(
            f"{model}: expected an ONNX file, but there is none; check the path, or copy the whole bundle again"
        )
    return read_plain(model, MOST_MODEL, sha256)
