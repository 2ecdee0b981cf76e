"""Advice on what to do next, as commands that fit the verdict."""

from __future__ import annotations

from zsn2m_deploy.config.training import LEAST_STRENGTH, MOST_STRENGTH, TrainConfig
from zsn2m_runtime.training_record import MethodRecord

NETWORKS = {"sensor": "SensorNet", "video": "VideoNet", "mbd": "MBD-Net", "grd": "GRD-Net"}
METHODS = {"adapt": "SensorNet", "mbd": "MBD-Net", **dict.fromkeys(("full", "paper"), "MBD-Net and GRD-Net")}
GENTLER, STRONGER = 0.7, 1.5  # factors on --strength; chosen: a change of about half, which can be seen

Method = MethodRecord | TrainConfig  # a training's method, from the manifest or from the configuration


def gentler(method: Method) -> str:
    """The option with which the next training keeps more detail."""
    return _with_strength(method, GENTLER)


def stronger(method: Method) -> str:
    """The option with which the next training removes more."""
    return _with_strength(method, STRONGER)


def _with_strength(method: Method, times: float) -> str:
    if method.method != "adapt":
        return "--method adapt"
    if method.preset == "instant":
        return "--preset default"
    return f"--strength {min(max(method.strength * times, LEAST_STRENGTH), MOST_STRENGTH):.2g}"


def next_steps(
    verdict_is_good: bool, noisy: bool, remedy: str | None, frame: str, bundle: str, video: bool = False
) -> tuple[str, ...]:
    """What to do next: sentences with commands in backquotes.

    Args:
        noisy: whether the frame has noise worth removing
        remedy: options that may improve the result; None: nothing is wrong
        frame, bundle: names, for the commands
        video: whether the bundle has a model for videos
    """
    use = f"`zsn2m-deploy denoise {bundle} FRAME... -o OUT`"
    if video:
        use += f"; on videos: `zsn2m-deploy stream {bundle} VIDEO -o OUT`"
    if not noisy:
        return ("Use the frame as it is. To see what a camera's noise is like: `zsn2m-deploy sample OUT.png`",)
    if remedy is not None:
        again = f"`zsn2m-deploy train-and-export {frame} -o {bundle} {remedy}".rstrip() + " --overwrite`"
        return (
            f"Look at the pictures above. If detail is missing or noise is left, train again, with what other options "
            f"you gave: {again}",
            f"If they are right, use the bundle: {use}",
        )
    if verdict_is_good:
        return (f"Use the bundle on frames of the same camera: {use}",)
    return (f"Look at the pictures above. If they are right, use the bundle: {use}",)
