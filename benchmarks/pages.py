"""Which page of docs/results a section is on, and what it shows."""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    """Where a section of the results belongs.

    Attributes:
        page: the file in docs/results, without its suffix
        shows: one or two lines for the index
    """

    page: str
    shows: str


PAGES = {
    "quality": "Quality: PSNR and SSIM",
    "paper": "The paper's method: its tables and what it leaves open",
    "cross-frame": "Used on other frames than the training frame",
    "noise": "The noise estimate",
    "verdicts": "Verdicts and the self-check",
    "frames": "Frames that are not plain: defects, patterns, blank areas, several kinds of noise",
    "speed": "Speed of training and use",
    "streaming": "Streams",
    "video": "Video",
    "cpp": "C++",
}

SECTIONS = {
    "Table 1: synthetic noise": Section(
        "quality",
        "Gaussian and Poisson noise on Kodak24 and Set14: the default, the paper's networks, ZS-N2N, BM3D, FFDNet and "
        "others, beside the published figures.",
    ),
    "Best and worst image": Section("quality", "The Kodak24 crops of the largest and the smallest gain, as pictures."),
    "Clamped noise": Section("quality", "The same comparison where noisy samples stop at 0 and 255."),
    "Mosaics": Section("quality", "Frames of a drawn Bayer sensor: the default, and BM3D on each plane."),
    "Drawn cameras": Section(
        "quality",
        "Photographs by a drawn camera (mosaic, demosaicking, tone curve, JPEG): the default beside the same told the "
        "truth; results worse than their frames, and whether that is said.",
    ),
    "Table 2: real noise": Section("quality", "SIDD, PolyU and FMD (confocal, two-photon, wide-field)."),
    "Self-ensemble": Section("quality", "What the mean over a frame's orientations (`--self-ensemble`) is worth."),
    "Adapting beside the pretrained network": Section(
        "quality", "How often the default is worse than the network that it starts from (`--preset instant`)."
    ),
    "Cells told apart": Section(
        "quality", "The paper's Fig. 6: low-light frames of cells, denoised by each method and segmented; specks left."
    ),
    "The tables, measured again": Section(
        "quality", "A sample of the rows, made again by later sources: how far they have moved."
    ),
    "Table 4: what each part adds": Section(
        "paper", "Steps from ZS-N2N to MBD-Net, one part at a time, with standard errors, beside the published steps."
    ),
    "Fig. 7: strength": Section("paper", "PSNR and roughness of MBD-Net for alpha_ie from 0.3 to 100."),
    "What the paper leaves open": Section(
        "paper", "Iterations, learning rate, optimiser, crops, C and more: each changed alone in the paper preset."
    ),
    "Precision of ZS-N2N": Section("paper", "The baseline in bfloat16, as in the tables, and in float32."),
    "Cross-frame: trained on one frame, used on another": Section(
        "cross-frame", "What a bundle loses on other scenes, captures, fields and gains; flicker over a sequence."
    ),
    "seq_beads: trained on page 1, used on pages 2 to 5 (counts)": Section(
        "cross-frame", "Flicker, shift of the mean and banding on a 16-bit stack."
    ),
    "Familiarity": Section("cross-frame", "How often frames unlike the training frames are warned of, and why."),
    "Noise": Section(
        "noise", "Level, correlation, kurtosis and skewness against the truth, of real frames and of drawn noise."
    ),
    "Noise of mosaics": Section(
        "noise", "Level found in mosaics over the true one, and results that are worse than their frames."
    ),
    "Noise at each brightness": Section(
        "noise", "Error of the deviation over brightness: the line through patches, and what the network makes of it."
    ),
    "Noise of few steps": Section("noise", "What rounding costs where the noise is few steps of the values in use."),
    "Regular detail": Section(
        "noise",
        "Drawn lines, lattices, weaves and screens of 2 to 5 pixels: the noise found, the result, what is said.",
    ),
    "Regular detail, looked at": Section(
        "noise", "Some of these and of the real frames by eye, false alarms, and what the search for peaks costs."
    ),
    "Self-check": Section("verdicts", "Whether the PSNR without a clean image is right."),
    "Verdicts": Section(
        "verdicts", "False alarms on good results, planted faults that are found, and the self-check's ranges."
    ),
    "Defective pixels": Section(
        "frames", "Hot pixels found, false alarms, stars that count as defective, and PSNR with `--correct-defects`."
    ),
    "Dead lines": Section(
        "frames", "Dead and stuck columns and rows: found, false alarms, and PSNR with `--correct-defects`."
    ),
    "Patterns": Section("frames", "Mosaics, stripes, regular detail and dither: found, and false alarms."),
    "Salt and pepper": Section("frames", "How much of it is found, what replacing it is worth, false alarms."),
    "Row noise": Section("frames", "What the correction leaves of row noise, and what that is worth."),
    "Fixed-pattern noise": Section(
        "frames", "The pattern that several frames share: found, what is left, false alarms."
    ),
    "Mixture": Section("frames", "Frames of different noise: how often they are told apart, and PSNR as a mixture."),
    "Blank areas": Section("frames", "Padding: what filling it is worth, what is taken for padding, and the time."),
    "Speed of training, the default": Section(
        "speed", "Seconds, PSNR and memory of the default, its presets, MBD-Net and ZS-N2N; growth with the frame."
    ),
    "Speed of training": Section("speed", "The same for the paper's networks and BM3D at 256 and 512 pixels."),
    "Costs": Section("speed", "Start-up of the commands, seconds of train-and-export by stage, use by onnxruntime."),
    "Table 3, times on a GPU": Section("speed", "Training on an H200 in three precisions, beside the published times."),
    "Speed of streams": Section(
        "streaming", "Frames per second at three sizes by model, precision and provider, beside FFmpeg and OpenCV."
    ),
    "Clusters": Section(
        "streaming", "A million frames planned, two workers against one, and memory over thousands of frames."
    ),
    "Live": Section("streaming", "A frame in a stream, all included, in units of MBD-Net's bare inference."),
    "Video": Section(
        "video", "The video model by frame and of averaged frames, the default, FFmpeg and OpenCV; a cut, a gain."
    ),
    "Video, looked at": Section("video", "Last frames of the shots, three times enlarged, beside the default's."),
    "C++": Section("cpp", "libzsn2m by onnxruntime and by LibTorch, beside both in Python."),
}
