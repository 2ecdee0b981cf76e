"""What stands under the tables of quality: what was done, and how to read it."""

from __future__ import annotations

from benchmarks.quality import published
from benchmarks.quality.compare import REFERENCE

COLUMNS = f"""\
PSNR (dB) and SSIM by scikit-image on float frames with a data range of 255, SSIM with its uniform 7 x 7 window; no
result is clamped (OpenCV takes 8 bit only). Each column is a mean over the n images that the method was measured on,
two of them over those of the [tuning and the test half](README.md#tuning-and-test-frames);
"over {REFERENCE}" is the mean difference in PSNR on the images that both have (their number where it is not n):
compare methods by it where n differs. Methods named "(sigma)" are told the deviation of each frame's noise.
"{REFERENCE}" is what users get by default; "zsn2m mbd" is also the first stage of "zsn2m full". Where GRD-Net failed
its own check, "grd" counts MBD-Net's result, which is what users get."""
PUBLISHED = """\
Published: ZS-N2M* beside "mbd", ZS-N2M beside "grd", BM3D beside "bm3d (sigma)"; means over the paper's whole set."""
CROPS = """\
Centre crops of min(side, 256) in each direction: comic is 250 wide. bridge and man are grey: three equal channels with
independent noise."""
TABLE_1 = f"""\
The noise is not clamped: methods get float frames that go below 0 and above 255.

{CROPS}

[5, 50]: a level for each of the first 8 images of a set, 5 + 45 (i + 0.5) / 8 in an order drawn once, the same for
every method. The published levels are not known, so there a difference of means says little (a mean over random levels
is luck); the gain over ZS-N2N on the same noisy pixels says more.

{COLUMNS}

{PUBLISHED}"""
CLAMPED = f"""\
The noisy frames are clamped to 0 to 255 and stay floats.

{CROPS}

{COLUMNS}"""
TABLE_2 = f"""\
Centre crops of 256 x 256. The paper took 20 images of each set and does not say which, PolyU and FMD at 512 x 512:
the differences to the published figures are mostly other images, and only those between our own rows say much.

{COLUMNS}

{PUBLISHED}

{published.TABLE_2_OTHERS}"""
ADAPTING = """\
In dB, the default less `--preset instant`, the network that it starts from. A criterion that would tell from the frame
when adapting loses was looked for on two frames of PolyU and two of SIDD, where it gains 0.25 to 5.4 dB: blends of both
results are below the adapted one at every share, and neither how much is removed of what the noise model expects
(0.05 to 1.00 by the pretrained network, 0.20 to 1.26 by the adapted one, 0.8 to 4.4 by the truth), nor the correlation
of neighbours in it, nor that of it with the result or with edges ranks the two as their PSNR does. Stein's estimate
gives the adapted result a smaller error by 22 and 27 squared levels on kodim04 and kodim03 under Poisson noise, where
the truth is -1.8 and +1.7: it holds for normal noise. Where adapting lost
more, as on JPEGs of other cameras, the noise model was wrong: what mends that is the model."""
TABLE_4 = """\
Mean PSNR in dB over images x seeds, a seed being another noise and another training. Every row has the layers and
weights of the paper and one and the same schedule. A step is the mean difference to the row above on the images that
both have (seeds of an image averaged), ± its standard error over images; a tie is a step of less than twice that. The
first two rows see frames scaled by 255, the others by their own range. "without g" has all losses on the one pair
(y1, y2), "without l_id" has random masks and the losses of Eq. 2 and 3: the paper's order, but for these two, which
are alike under Gaussian noise and change places under Poisson noise. Gaussian [5, 50] and Poisson [5, 50] were not
run."""
STRENGTH = """\
The strength is the paper's alpha_ie. Roughness: mean absolute difference of neighbouring pixels in grey levels. n: the
images that all these strengths have. Of fmd, these are confocal captures. The paper's own images (knee MRI) are not
to be had."""
CHOICES = """\
Mean difference in PSNR to the paper preset's MBD-Net (Muon 5e-3, OneCycle, 700 iterations on crops of 128 x 128 with
flips, C 3e-3, noise predicted, no gradient into the statistics, a mask per value, not blind to the level), ± its
standard error over images. Crops of 64 in 2,800 iterations see as many pixels."""
PRECISION = """\
The same seeds and steps, the network in bfloat16 where the CPU has it ("zs-n2n", as in every other table) and in
float32. Seconds are those of the whole task on one thread beside another such process."""
BEST = f"""\
Kodak24, Gaussian 25: the images with the largest and the smallest gain of "{REFERENCE}" over the noisy frame. Pictures:
the middle of the crop, enlarged: noisy, denoised, clean, and the removed noise around mid grey."""
