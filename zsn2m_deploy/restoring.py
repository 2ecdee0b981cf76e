"""A bundle's networks, built again from its manifest and weights."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from zsn2m_deploy.config import SensorConfig, TrainConfig
from zsn2m_deploy.defects import DefectCorrection
from zsn2m_deploy.networks import GrdNet, MbdNet, SensorNet
from zsn2m_export.writer import read_weights
from zsn2m_runtime.bundle import Bundle
from zsn2m_runtime.errors import BundleError, UsageError


def restored_networks(bundle: Bundle) -> dict[str, nn.Module]:
    """The networks of a bundle with their trained weights, by model id.

    Raises:
        BundleError: trained by another version, or weights that do not fit the method in the manifest.
    """
    manifest = bundle.manifest
    assert manifest.weights is not None
    try:
        config = TrainConfig().updated(manifest.method, source="method")
    except UsageError as error:
        raise BundleError(f"{bundle.path}: {error}; it was trained by another version, train again") from error
    if config.model_dump(mode="json") != manifest.method:  # a field that is missing must not take today's default
        raise BundleError(
            f"{bundle.path}: expected every field of the method in the manifest, but some are missing: it was trained "
            f"by zsn2m-deploy {manifest.versions.get('zsn2m-deploy')}; export with that version, or train again"
        )
    channels = manifest.sensor.channels
    makers: dict[str, Callable[[], nn.Module]] = {
        "sensor": lambda: _sensor_net(channels, config.sensor),
        "mbd": lambda: MbdNet(channels, config.mbd),
        "grd": lambda: GrdNet(channels, config.grd, MbdNet(channels, config.mbd)),
    }
    networks: dict[str, nn.Module] = {}
    for model_id, state in read_weights(bundle.file(manifest.weights)).items():
        if model_id not in makers:
            raise BundleError(
                f"{bundle.path}: expected weights of {', '.join(makers)}, but got {model_id!r}; upgrade zsn2m-deploy"
            )
        networks[model_id] = makers[model_id]()
        try:
            networks[model_id].load_state_dict(state)
        except RuntimeError as error:
            raise BundleError(f"{bundle.path}: weights do not fit the method in the manifest: {error}") from error
    return networks


def _sensor_net(channels: int, config: SensorConfig) -> SensorNet:
    network = SensorNet(channels)
    if config.correct_defects:
        network.correction = DefectCorrection(channels)
    return network
