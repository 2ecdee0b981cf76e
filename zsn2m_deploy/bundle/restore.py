"""Building a bundle's networks again from its manifest and weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from zsn2m_deploy.config.networks import SensorConfig
from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.noise.corrections import Corrections
from zsn2m_deploy.noise.defects import DefectCorrection
from zsn2m_deploy.noise.impulses import ImpulseCorrection
from zsn2m_deploy.noise.offsets import Offsets
from zsn2m_deploy.paper.networks import GrdNet, MbdNet
from zsn2m_deploy.pretrain.network import CorrectingNetwork, SensorNet
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.writer import read_weights
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import BundleError, UsageError
from zsn2m_runtime.manifest import Manifest
from zsn2m_runtime.mosaic_record import CELL


def restored_networks(bundle: Bundle) -> dict[str, FrameNetwork]:
    """The networks of a bundle with their trained weights, by model id.

    Raises:
        BundleError: no weights, weights that do not fit the method in the manifest, or training by another version.
    """
    manifest = bundle.manifest
    if manifest.weights is None:
        raise BundleError(f"{bundle.path}: expected weights in the bundle, but there are none; train again")
    method = manifest.method.model_dump(mode="json")
    try:
        config = TrainConfig().updated(method, source="method")
    except UsageError as error:
        raise BundleError(f"{bundle.path}: {error}; it was trained by another version, train again") from error
    if config.model_dump(mode="json") != method:  # a missing field would get the default of this version
        raise BundleError(
            f"{bundle.path}: expected every field of the method in the manifest, but some are missing: it was trained "
            f"by zsn2m-deploy {manifest.versions.get('zsn2m-deploy')}; export with that version, or train again"
        )
    channels = manifest.sensor.planes
    makers: dict[str, Callable[[], FrameNetwork]] = {
        "sensor": lambda: _correcting(SensorNet(channels), manifest, config.sensor),
        "video": lambda: _correcting(VideoNet(channels), manifest, config.sensor),
        "mbd": lambda: MbdNet(channels, config.mbd),
        "grd": lambda: GrdNet(channels, config.grd, MbdNet(channels, config.mbd)),
    }
    networks: dict[str, FrameNetwork] = {}
    states = read_weights(bundle.content(manifest.weights), str(bundle.file(manifest.weights)))
    if not states:
        raise BundleError(f"{bundle.file(manifest.weights)}: expected weights of a network, but got none; train again")
    for model_id, state in states.items():
        if model_id not in makers:
            raise BundleError(
                f"{bundle.path}: expected weights of {', '.join(makers)}, but got {model_id!r}; upgrade zsn2m-deploy"
            )
        _check_fit(bundle, makers[model_id], state)
        networks[model_id] = makers[model_id]()
        networks[model_id].load_state_dict(state)
    return networks


def _check_fit(bundle: Bundle, make: Callable[[], FrameNetwork], state: dict[str, Tensor]) -> None:
    """Refuse weights that do not fit the method, before memory is allocated for its network."""
    try:
        with torch.device("meta"):
            wanted = {name: tuple(tensor.shape) for name, tensor in make().state_dict().items()}
    except (RuntimeError, OverflowError, TypeError, ValueError) as error:
        raise BundleError(
            f"{bundle.path}: expected a network by the method in the manifest, but torch makes none: {error}; "
            f"train again"
        ) from error
    got = {name: tuple(tensor.shape) for name, tensor in state.items()}
    others = sorted(name for name in wanted.keys() | got.keys() if wanted.get(name) != got.get(name))
    if others:
        name = others[0]
        raise BundleError(
            f"{bundle.path}: expected weights that fit the method in the manifest, but {len(others)} do not: "
            f"{name[:80]} is of shape {got.get(name)} in the place of {wanted.get(name)}; copy the bundle again"
        )


def _correcting(network: CorrectingNetwork, manifest: Manifest, config: SensorConfig) -> CorrectingNetwork:
    channels = manifest.sensor.planes
    pattern, cell = manifest.fixed_pattern, CELL if manifest.sensor.mosaic else 1
    blank = None
    if pattern is not None:
        blank = np.zeros((-(-pattern.height // cell), -(-pattern.width // cell), channels), np.float32)
    normalisation = manifest.normalisation
    corrections = Corrections(  # their numbers are among the weights
        ImpulseCorrection(channels) if config.correct_impulses else None,
        Offsets(manifest.row_noise, blank),
        DefectCorrection(channels) if config.correct_defects else None,
        lines=manifest.dead_lines,
    )
    network.correct(corrections, normalisation.offset, normalisation.scale)
    return network
