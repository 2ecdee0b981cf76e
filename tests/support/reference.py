"""The slow oracle: Zero-Shot Noise2Mean's equations in plain NumPy float64, written from the equations alone.

It imports nothing of the project and no torch, so that agreement with it means something. It gives values, no
gradients. Clarity comes first: small loops instead of strides and convolutions.

Paper: Liu, Shi, Zhang, Li, Zhang, "Zero-Shot Noise2Mean: Gap Minimization for Efficient Denoising from a
Single Noisy Image", AAAI 2025. Equation numbers are the paper's, and so are the names f (MBD-Net),
h (GRD-Net) and y.

Shape of every frame: (c, h, w), float64, h and w even (callers crop). Where the paper writes |.|^2, this file
takes the mean of the squares over all elements of that difference, and sums over the terms.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Network = Callable[[Array], Array]

WINDOW_RADIUS = 2  # the 5x5 window of Eq. 4
LUMINANCE_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601, red green blue; the paper names none


def diagonal_downsample(y: Array) -> tuple[Array, Array]:
    """Return (D1(y), D2(y)), the means of the two diagonals of every 2x2 block [[a, b], [c, d]].

    D1 = (b + c) / 2 and D2 = (a + d) / 2.

    Shape: (c, h, w) -> two of (c, h/2, w/2).
    Paper: the downsampler D of Sec. 3.1, from ZS-N2N.
    """
    channels, height, width = y.shape
    d1 = np.zeros((channels, height // 2, width // 2))
    d2 = np.zeros((channels, height // 2, width // 2))
    for channel in range(channels):
        for row in range(height // 2):
            for column in range(width // 2):
                (a, b), (c, d) = y[channel, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
                d1[channel, row, column] = (b + c) / 2
                d2[channel, row, column] = (a + d) / 2
    return d1, d2


def random_mask_downsample(y: Array, mask: Array) -> tuple[Array, Array]:
    """Return (y_1n, y_2n): the two half-size frames with their pixels swapped wherever the mask is 0.

    Shape: y (c, h, w), mask (c, h/2, w/2) of 0 and 1 -> two of (c, h/2, w/2).
    Paper: the downsampler G_n of Sec. 3.1 and Fig. 3.
    """
    d1, d2 = diagonal_downsample(y)
    y_1n = d1 * mask + d2 * (1.0 - mask)
    y_2n = d1 * (1.0 - mask) + d2 * mask
    return y_1n, y_2n


def _window(plane: Array, row: int, column: int) -> Array:
    """Return the part of the 5x5 window around one pixel that lies inside the plane."""
    top, left = max(row - WINDOW_RADIUS, 0), max(column - WINDOW_RADIUS, 0)
    return plane[top : row + WINDOW_RADIUS + 1, left : column + WINDOW_RADIUS + 1]


def local_mean(x: Array) -> Array:
    """Return mu, the mean of each pixel's 5x5 window, over the pixels inside the frame only.

    Shape: (c, h, w) -> (c, h, w).
    Paper: mu_i of Eq. 4.
    """
    means = np.zeros(x.shape)
    for channel, row, column in np.ndindex(x.shape):
        window = _window(x[channel], row, column)
        means[channel, row, column] = window.sum() / window.size
    return means


def local_deviation(plane: Array) -> Array:
    """Return sigma, the biased deviation of each pixel's 5x5 window, over the pixels inside the frame only.

    Shape: (h, w) -> (h, w).
    Paper: sigma_i of Eq. 4.
    """
    deviations = np.zeros(plane.shape)
    for row, column in np.ndindex(plane.shape):
        window = _window(plane, row, column)
        mean = window.sum() / window.size
        deviations[row, column] = np.sqrt(((window - mean) ** 2).sum() / window.size)
    return deviations


def luminance(x: Array) -> Array:
    """Return the brightness plane: grey as it is, BT.601 for three channels, else the mean over the channels.

    Shape: (c, h, w) -> (h, w).
    Paper: the luminance in which Eq. 4 takes sigma_i.
    """
    channels = x.shape[0]
    weights = LUMINANCE_WEIGHTS if channels == 3 else (1.0 / channels,) * channels
    plane = np.zeros(x.shape[1:])
    for channel in range(channels):
        plane += weights[channel] * x[channel]
    return plane


def _mean_square(difference: Array) -> float:
    """Return the mean of the squares over all elements, our reading of the paper's |.|^2."""
    return float((difference**2).sum() / difference.size)


def loss_interactive_equality(f: Network, y: Array, mask: Array) -> float:
    """Return L_ie = |f(y_1n) - G_2n(f(y))|^2 + |f(y_2n) - G_1n(f(y))|^2.

    Mind the crossing: f(y_1n) meets G_2n, not G_1n. Both G_n use the one mask.

    Shape: y (c, h, w), mask (c, h/2, w/2) of 0 and 1.
    Paper: Eq. 2.
    """
    y_1n, y_2n = random_mask_downsample(y, mask)
    g_1n, g_2n = random_mask_downsample(f(y), mask)
    return _mean_square(f(y_1n) - g_2n) + _mean_square(f(y_2n) - g_1n)


def loss_cross_mapping(f: Network, y: Array, mask: Array) -> float:
    """Return L_cm = |f(y_1n) - y_2n|^2 + |f(y_2n) - y_1n|^2.

    Shape: y (c, h, w), mask (c, h/2, w/2) of 0 and 1.
    Paper: Eq. 3.
    """
    y_1n, y_2n = random_mask_downsample(y, mask)
    return _mean_square(f(y_1n) - y_2n) + _mean_square(f(y_2n) - y_1n)


def loss_interactive_denoising(f: Network, y: Array, mask: Array, c_constant: float) -> float:
    """Return L_id = sum over i = 1, 2 of |f(y_in) - (d o f(y_in) + (1 - d) o mu_i)|^2.

    d = 2 sigma_1 sigma_2 / (sigma_1^2 + sigma_2^2 + C) is one plane, used for every channel.

    Shape: y (c, h, w), mask (c, h/2, w/2) of 0 and 1; c_constant, the paper's C, is positive.
    Paper: Eq. 4.
    """
    y_1n, y_2n = random_mask_downsample(y, mask)
    output_1, output_2 = f(y_1n), f(y_2n)
    sigma_1 = local_deviation(luminance(output_1))
    sigma_2 = local_deviation(luminance(output_2))
    d = 2.0 * sigma_1 * sigma_2 / (sigma_1**2 + sigma_2**2 + c_constant)  # (h/2, w/2)
    total = 0.0
    for output in (output_1, output_2):
        mixed = d * output + (1.0 - d) * local_mean(output)
        total += _mean_square(output - mixed)
    return total


def loss_mbd(f: Network, y: Array, mask: Array, a_ie: float, a_cm: float, a_id: float, c_constant: float) -> float:
    """Return L = a_ie L_ie + a_cm L_cm + a_id L_id, the loss of stage 1 for one mask.

    Shape: y (c, h, w), mask (c, h/2, w/2) of 0 and 1.
    Paper: Sec. 3.2, the weighted sum of Eq. 2, Eq. 3 and Eq. 4.
    """
    return (
        a_ie * loss_interactive_equality(f, y, mask)
        + a_cm * loss_cross_mapping(f, y, mask)
        + a_id * loss_interactive_denoising(f, y, mask, c_constant)
    )


def _mean_of_diagonals(x: Array) -> Array:
    """Return (D1(x) + D2(x)) / 2; of f(y) it is the fixed target t of Eq. 5 and Eq. 6."""
    d1, d2 = diagonal_downsample(x)
    return (d1 + d2) / 2


def loss_gap_refinement(h: Network, f: Network, y: Array) -> float:
    """Return L_re = |h((y1 + y2) / 2) - t|^2 with t = (D1(f(y)) + D2(f(y))) / 2.

    Shape: y (c, h, w).
    Paper: Eq. 5.
    """
    return _mean_square(h(_mean_of_diagonals(y)) - _mean_of_diagonals(f(y)))


def loss_consistency(h: Network, f: Network, y: Array) -> float:
    """Return L_con = |(D1(h(y)) + D2(h(y))) / 2 - t|^2 with t = (D1(f(y)) + D2(f(y))) / 2.

    Shape: y (c, h, w).
    Paper: Eq. 6.
    """
    return _mean_square(_mean_of_diagonals(h(y)) - _mean_of_diagonals(f(y)))


def loss_grd(h: Network, f: Network, y: Array, b_re: float, b_con: float) -> float:
    """Return L = b_re L_re + b_con L_con, the loss of stage 2 with f frozen.

    Shape: y (c, h, w).
    Paper: Sec. 3.3, the weighted sum of Eq. 5 and Eq. 6.
    """
    return b_re * loss_gap_refinement(h, f, y) + b_con * loss_consistency(h, f, y)


def conv2d(x: Array, weight: Array, bias: Array) -> Array:
    """Return the cross-correlation with zero padding, stride 1, so that the frame keeps its size.

    Shape: x (c_in, h, w), weight (c_out, c_in, k, k) with k = 1 or 3, bias (c_out,) -> (c_out, h, w).
    Paper: the layers of Sec. 4.2; no equation.
    """
    _, height, width = x.shape
    kernel = weight.shape[2]
    padding = kernel // 2
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    output = np.zeros((weight.shape[0], height, width))
    for channel, row, column in np.ndindex(output.shape):
        window = padded[:, row : row + kernel, column : column + kernel]  # (c_in, k, k)
        output[channel, row, column] = (weight[channel] * window).sum() + bias[channel]
    return output


def leaky_relu(x: Array, slope: float) -> Array:
    """Return x where it is positive and slope * x elsewhere.

    Shape: any -> the same.
    Paper: the activation of Sec. 4.2; no equation.
    """
    return np.where(x > 0, x, slope * x)


def mbd_forward(y: Array, weights: list[tuple[Array, Array]], slope: float) -> Array:
    """Return f(y): the frame minus the noise that the network predicts.

    conv 3x3, LeakyReLU, conv 3x3, LeakyReLU, conv 1x1; `weights` holds one (weight, bias) per convolution.

    Shape: (c, h, w) -> (c, h, w).
    Paper: MBD-Net, Sec. 4.2; that it predicts the noise is ZS-N2N's.
    """
    (weight_1, bias_1), (weight_2, bias_2), (weight_3, bias_3) = weights
    features = leaky_relu(conv2d(y, weight_1, bias_1), slope)
    features = leaky_relu(conv2d(features, weight_2, bias_2), slope)
    noise = conv2d(features, weight_3, bias_3)
    return y - noise


def psnr(a: Array, b: Array, peak: float) -> float:
    """Return 10 log10(peak^2 / mean square error), in dB; infinite where a equals b.

    Shape: a and b alike.
    Paper: the measure of Tables 1, 2 and 4; no equation.
    """
    error = _mean_square(a - b)
    return float("inf") if error == 0.0 else float(10.0 * np.log10(peak**2 / error))
