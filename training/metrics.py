# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a generated picture is to the render: pure functions on premultiplied RGBA (4, H, W) float tensors in 0…1.

Whole-picture PSNR and SSIM are not among them: a blank picture scores well on a small figure (SSIM 0.76 where a good generator gets 0.9).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..synth_data.pose.framing import project

BACKGROUNDS = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
_LUMA = (0.299, 0.587, 0.114)
_HEAD_POINTS = (0, 15, 16, 17, 18)  # BODY_25: nose, eyes, ears
_HEAD_SIDE = 0.26  # of the character's height
_MARGIN = 8  # px around the figure for SSIM


def over(rgba: Tensor, background: Sequence[float]) -> Tensor:
    """(…, 4, H, W) premultiplied, laid over a plain colour → (…, 3, H, W)."""
    colour = torch.tensor(background, dtype=rgba.dtype, device=rgba.device).view(3, 1, 1)
    return rgba[..., :3, :, :] + (1 - rgba[..., 3:, :, :]) * colour


def figure(*pictures: Tensor) -> Tensor:
    """(H, W) bool: where any of the pictures is at least a tenth opaque."""
    return torch.stack([picture[3] > 0.1 for picture in pictures]).any(0)


def psnr(image: Tensor, truth: Tensor, where: Tensor) -> float:
    """Peak signal to noise ratio in dB over the pixels `where` (H, W) bool, of the mean squared error over three backgrounds, so
    that alpha counts too.
    NaN where there are none; at most 60 (8-bit pictures that are equal)."""
    if not where.any():
        return float("nan")
    errors = [(over(image, b) - over(truth, b)).square()[:, where].mean() for b in BACKGROUNDS]
    return float(-10 * torch.log10(torch.stack(errors).mean().clamp_min(1e-6)))


def psnr_fg(image: Tensor, truth: Tensor) -> float:
    return psnr(image, truth, figure(image, truth))


def ssim_fg(image: Tensor, truth: Tensor) -> float:
    """Mean SSIM (Wang et al. 2004: Gaussian of 1.5 px, luma, over white) in the figure's bounding box and a small margin. NaN
    without a figure.
    """
    rows, columns = torch.nonzero(figure(image, truth), as_tuple=True)
    if len(rows) == 0:
        return float("nan")
    box = (
        slice(max(int(rows.min()) - _MARGIN, 0), int(rows.max()) + _MARGIN + 1),
        slice(max(int(columns.min()) - _MARGIN, 0), int(columns.max()) + _MARGIN + 1),
    )
    a, b = (_luma(over(x, BACKGROUNDS[0]))[box][None, None] for x in (image, truth))
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b, cov = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2, _blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * mean_a * mean_b + c1) * (2 * cov + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())


def alpha_iou(image: Tensor, truth: Tensor) -> float:
    """Intersection over union of the half-opaque silhouettes; 1 for two empty ones."""
    a, b = image[3] > 0.5, truth[3] > 0.5
    either = int((a | b).sum())
    return float((a & b).sum() / either) if either else 1.0


def sharpness(image: Tensor, truth: Tensor) -> float:
    """Mean absolute Laplacian of the luma on the figure, as a ratio: 1 is as crisp as the render, less is blurred, more is noisy."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], device=truth.device).view(1, 1, 3, 3)
    where = figure(image, truth)
    if not where.any():
        return float("nan")
    lumas = [_luma(over(picture, BACKGROUNDS[0]))[None, None] for picture in (image, truth)]
    values = [functional.conv2d(functional.pad(x, (1, 1, 1, 1), "replicate"), kernel)[0, 0].abs()[where].mean() for x in lumas]
    return float(values[0] / values[1].clamp_min(1e-6))


def psnr_head(image: Tensor, truth: Tensor, box: tuple[slice, slice] | None) -> float:
    """PSNR of the figure inside the head's box (rows, columns); NaN without one."""
    if box is None:
        return float("nan")
    image, truth = image[(slice(None), *box)], truth[(slice(None), *box)]
    return psnr(image, truth, figure(image, truth))


def head_box(points_camera: NDArray, K: NDArray, height_m: float, size: int) -> tuple[slice, slice] | None:
    """The square around the head, (rows, columns), of points (137, 3) in camera space; None if it is unknown or outside the picture."""
    points = np.asarray(points_camera)[list(_HEAD_POINTS)]
    pixels = project(points, K)
    known = np.isfinite(pixels).all(-1)
    if not known.any():
        return None
    x, y = pixels[known].mean(0)
    side = K[0, 0] * _HEAD_SIDE * height_m / points[known, 2].mean()
    # Hair and skull are above the eyes.
    x0, y0 = int(x - side / 2), int(y - 0.6 * side)
    rows, columns = slice(max(y0, 0), min(int(y0 + side), size)), slice(max(x0, 0), min(int(x0 + side), size))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def tdiff(images: Sequence[Tensor], truths: Sequence[Tensor]) -> tuple[float, float]:
    """Of consecutive frames: Σ|Δimage − Δtruth| and Σ|Δtruth|, over white. The metric is the quotient of their sums over all clips:
    0 moves exactly as the renders do, 1 is as wrong as a frozen picture."""
    wrong = moved = 0.0
    for i in range(1, len(images)):
        image = over(images[i], BACKGROUNDS[0]) - over(images[i - 1], BACKGROUNDS[0])
        truth = over(truths[i], BACKGROUNDS[0]) - over(truths[i - 1], BACKGROUNDS[0])
        wrong += float((image - truth).abs().sum())
        moved += float(truth.abs().sum())
    return wrong, moved


def _luma(rgb: Tensor) -> Tensor:
    return (rgb * torch.tensor(_LUMA, device=rgb.device).view(3, 1, 1)).sum(0)


def _blur(x: Tensor) -> Tensor:
    reach = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    g = torch.exp(-0.5 * (reach / 1.5) ** 2)
    g = g / g.sum()
    x = functional.pad(x, (5, 5, 5, 5), "replicate")
    return functional.conv2d(functional.conv2d(x, g.view(1, 1, 1, -1)), g.view(1, 1, -1, 1))
