"""The paper's figures: PSNR in dB and SSIM, by our method that they are put beside."""

from __future__ import annotations

Figures = tuple[float, float]

ZS_N2N = "zs-n2n"
STAGE_1 = ("zsn2m mbd", "zsn2m paper mbd")  # ZS-N2M*
STAGE_2 = ("zsn2m full grd", "zsn2m paper full grd")  # ZS-N2M
BM3D = "bm3d (sigma)"


def _beside(zs_n2n: Figures, stage_1: Figures, stage_2: Figures, bm3d: Figures) -> dict[str, Figures]:
    ours = dict.fromkeys(STAGE_1, stage_1) | dict.fromkeys(STAGE_2, stage_2)
    return {ZS_N2N: zs_n2n, BM3D: bm3d, **ours}


TABLE_1 = {
    ("kodak24", "gauss 25"): _beside((28.27, 0.776), (29.39, 0.812), (29.56, 0.827), (30.95, 0.866)),
    ("set14", "gauss 25"): _beside((27.88, 0.753), (28.76, 0.814), (29.05, 0.823), (30.94, 0.865)),
    ("kodak24", "poisson 25"): _beside((27.03, 0.714), (27.82, 0.766), (27.93, 0.790), (25.63, 0.693)),
    ("set14", "poisson 25"): _beside((25.99, 0.720), (27.22, 0.784), (27.43, 0.792), (25.63, 0.691)),
    ("kodak24", "gauss [5,50]"): _beside((28.28, 0.761), (29.28, 0.793), (29.90, 0.811), (27.94, 0.730)),
    ("set14", "gauss [5,50]"): _beside((27.88, 0.753), (28.85, 0.801), (29.23, 0.817), (27.94, 0.730)),
    ("kodak24", "poisson [5,50]"): _beside((26.45, 0.714), (26.97, 0.734), (27.17, 0.753), (23.94, 0.653)),
    ("set14", "poisson [5,50]"): _beside((26.46, 0.731), (27.27, 0.777), (27.55, 0.785), (24.32, 0.623)),
}

TABLE_2 = {
    "sidd_val": _beside((33.28, 0.879), (36.73, 0.910), (36.89, 0.927), (37.23, 0.932)),
    "polyu": _beside((34.95, 0.897), (36.38, 0.926), (37.65, 0.933), (38.13, 0.957)),
    "fmd": _beside((33.48, 0.897), (34.25, 0.907), (34.53, 0.915), (34.03, 0.891)),
}
TABLE_2_OTHERS = (
    "Published for methods that are not run here (SIDD, PolyU, FMD): MASH 36.27 / 0.902, 37.58 / 0.928, "
    "34.27 / 0.908; Self2Self 33.48 / 0.920, 35.88 / 0.915, 34.09 / 0.900; Noise2Fast, FMD only, 34.58 / 0.921."
)

LADDER = ("ladder zs-n2n", "ladder + g", "ladder without g mbd", "ladder without l_id mbd", "zsn2m paper mbd")
TABLE_4 = {
    "gauss 25": dict(zip(LADDER, (28.27, 28.57, 28.65, 29.20, 29.39), strict=True)),
    "poisson 25": dict(zip(LADDER, (27.03, 27.32, 27.38, 27.64, 27.82), strict=True)),
}
