"""The paper's two stages, read top to bottom: MBD-Net learns from halved pairs, GRD-Net refines what it gives."""

from __future__ import annotations

import torch
from torch import Tensor

from zsn2m_deploy.config.training import TrainConfig
from zsn2m_deploy.fit.checks import diverged
from zsn2m_deploy.fit.crops import average_orientations
from zsn2m_deploy.fit.fitter import StageReport
from zsn2m_deploy.fit.network import FrameNetwork
from zsn2m_deploy.fit.run import Fitted, Run
from zsn2m_deploy.paper.downsample import random_mask
from zsn2m_deploy.paper.losses import grd_loss, mbd_loss
from zsn2m_deploy.paper.networks import GrdNet, MbdNet
from zsn2m_runtime.errors import TrainingError


def train_mbd_and_grd(run: Run, config: TrainConfig) -> Fitted:
    """Train MBD-Net, and GRD-Net for stage full.

    Raises:
        TrainingError: the loss stopped being finite, or MBD-Net died.

    Paper: Sec. 3.2 and 3.3.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        mbd = MbdNet(run.channels, config.mbd)
    reports = [_train_mbd(run, mbd, config)]
    if config.keep_mean:
        run.keep_mean(mbd)
    networks: dict[str, FrameNetwork] = {"mbd": mbd}
    if config.stage == "full":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            grd = GrdNet(run.channels, config.grd, mbd.cpu())
        reports.append(_train_grd(run, mbd, grd, config))
        if config.keep_mean:
            run.keep_mean(grd)
        if diverged(run.fitter.place(grd), run.fitter.place(mbd), run.pool):
            run.notes.warn("GRD-Net did not learn to follow MBD-Net; the bundle holds MBD-Net only")
        else:
            networks["grd"] = grd
    last = networks["grd" if "grd" in networks else "mbd"]
    run.warn_of_worse(run.errors(run.as_used(last), config.seed), "the default (--method adapt)")
    return Fitted(config, run.groups, {name: network.cpu() for name, network in networks.items()}, tuple(reports))


def _train_mbd(run: Run, mbd: MbdNet, config: TrainConfig) -> StageReport:
    network, device = run.fitter.place(mbd), run.fitter.device
    masks = torch.Generator(device).manual_seed(config.seed)

    def loss(crops: Tensor) -> Tensor:
        noisy = crops[:, : run.channels]
        batch, channels, height, width = noisy.shape
        half = torch.Size((batch, channels, height // 2, width // 2))
        if config.mbd.random_masks:
            mask = random_mask(half, masks, device, config.mbd.mask_per_pixel)  # a new one each iteration
        else:
            mask = torch.ones(half, dtype=torch.bool, device=device)  # the pair (y1, y2) itself
        return mbd_loss(network, noisy, mask, config.mbd)

    schedule = config.mbd.schedule
    report = run.fitter.fit("mbd", mbd, loss, run.crops(run.pool, schedule, multiple=2), schedule)
    if run.is_dead(network):
        raise TrainingError(
            "MBD-Net died: its output no longer follows the frame; try another --seed, or a lower "
            "mbd.schedule.learning_rate in a --config file"
        )
    return report


def _train_grd(run: Run, mbd: MbdNet, grd: GrdNet, config: TrainConfig) -> StageReport:
    teacher, network = run.fitter.place(mbd), run.fitter.place(grd)

    def loss(crops: Tensor) -> Tensor:
        noisy = crops[:, : run.channels]
        with torch.no_grad():  # f is frozen
            clean = average_orientations(teacher, noisy) if config.grd.average_orientations else teacher(noisy)
        return grd_loss(network, noisy, clean, config.grd)

    schedule = config.grd.schedule
    crops = run.crops(run.pool, schedule, multiple=2 * grd.stride)  # half-size frames must fit the stride too
    return run.fitter.fit("grd", grd, loss, crops, schedule)
