# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a generated picture is to the render: pure functions on premultiplied RGBA (4, H, W) float tensors in 0…1.

Whole-picture PSNR and SSIM are not among them: a blank picture scores well on a small figure (SSIM 0.76 where a good generator gets 0.9).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from flip_evaluator import evaluate as evaluate_flip
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

BACKGROUNDS = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
_LUMA = (0.299, 0.587, 0.114)
_MARGIN = 8  # px around the figure for FLIP
HEAD_SIDE = 128  # px at which heads are compared
PIXELS_PER_DEGREE = 67.0  # FLIP's usual: a 4K screen, 0.7 m wide, from 0.7 m, a pixel of the picture on one of the screen
PCK_SHARE = 0.2  # of the torso; within a tenth MediaPipe finds only half of the joints on renders of 128 px, too
PCK_JOINTS = np.r_[2:8, 9:15]  # BODY_25: shoulders, elbows, wrists, hips, knees, ankles


def over(rgba: Tensor, background: Sequence[float]) -> Tensor:
    """(…, 4, H, W) premultiplied, laid over a plain colour → (…, 3, H, W)."""
    colour = torch.tensor(background, dtype=rgba.dtype, device=rgba.device).view(3, 1, 1)
    return rgba[..., :3, :, :] + (1 - rgba[..., 3:, :, :]) * colour


def figure(*pictures: Tensor) -> Tensor:
    """(H, W) bool: where any of the pictures is at least a tenth opaque."""
    return torch.stack([picture[3] > 0.1 for picture in pictures]).any(0)


def cut_out(picture: Tensor, where: Tensor) -> Tensor:
    """Of an opaque picture (4, H, W) what lies in `where` (H, W) bool, opaque whatever its alpha is; nothing elsewhere."""
    return torch.cat([picture[:3] * where, where[None].to(picture)])


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
    """Mean over the figure's pixels of SSIM (Wang et al. 2004: Gaussian of 1.5 px, luma, over white). NaN without a figure.

    The map is averaged over `figure`, not over its bounding box: specks far away would make that box larger, and SSIM better by so much
    white.
    """
    where = figure(image, truth)
    if not where.any():
        return float("nan")
    a, b = (_luma(over(x, BACKGROUNDS[0]))[None, None] for x in (image, truth))
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b, cov = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2, _blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    ssim = ((2 * mean_a * mean_b + c1) * (2 * cov + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(ssim[0, 0][where].mean())


def alpha_iou(image: Tensor, truth: Tensor) -> float:
    """Intersection over union of the half-opaque silhouettes; 1 for two empty ones."""
    a, b = image[3] > 0.5, truth[3] > 0.5
    either = int((a | b).sum())
    return float((a & b).sum() / either) if either else 1.0


def sharpness(image: Tensor, truth: Tensor, where: Tensor | None = None) -> float:
    """Mean absolute Laplacian of the luma on the figure (or `where`, (H, W) bool), as a ratio: 1 is as crisp as the render, less is
    blurred, more is noisy.
    """
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]], device=truth.device).view(1, 1, 3, 3)
    where = figure(image, truth) if where is None else where
    if not where.any():
        return float("nan")
    lumas = [_luma(over(picture, BACKGROUNDS[0]))[None, None] for picture in (image, truth)]
    values = [functional.conv2d(functional.pad(x, (1, 1, 1, 1), "replicate"), kernel)[0, 0].abs()[where].mean() for x in lumas]
    return float(values[0] / values[1].clamp_min(1e-6))


def head_crop(rgba: Tensor, square: NDArray, side: int = HEAD_SIDE) -> Tensor | None:
    """The head's square (3,): centre x, centre y, side in px, at side × side px, nothing where it leaves the picture: (4, side, side).
    None where its side is 0 (the head is not seen) or it lies wholly outside.
    """
    x, y, length = (float(v) for v in square)
    if not length > 0:
        return None
    height, width = rgba.shape[-2:]
    whole = max(round(length), 1)
    left, top = round(x - whole / 2), round(y - whole / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + whole, width), min(top + whole, height)
    if x0 >= x1 or y0 >= y1:
        return None
    crop = rgba.new_zeros((1, 4, whole, whole))
    crop[0, :, y0 - top : y1 - top, x0 - left : x1 - left] = rgba[:, y0:y1, x0:x1]
    return functional.interpolate(crop, (side, side), mode="bilinear", align_corners=False, antialias=whole > side)[0]


def boundary_f(image: Tensor, truth: Tensor, reach: float = 2.0) -> float:
    """F-measure of the half-opaque silhouettes' outlines: how much of each lies within `reach` px of the other (Perazzi et al. 2016). 1
    for two empty ones, 0 where one is empty.
    """
    a, b = _outline(image[3] > 0.5), _outline(truth[3] > 0.5)
    if not a.any() or not b.any():
        return float(not a.any() and not b.any())
    precision = float((a & _within(b, reach)).sum() / a.sum())
    recall = float((b & _within(a, reach)).sum() / b.sum())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def flip(image: Tensor, truth: Tensor) -> float:
    """Mean over the figure's pixels of LDR-FLIP (Andersson et al. 2020) over white, seen at PIXELS_PER_DEGREE: 0 is equal, 1 the greatest
    difference. NaN without a figure.
    """
    where = figure(image, truth)
    if not where.any():
        return float("nan")
    # What surrounds the figure is seen with it, what is farther away is not.
    rows, columns = torch.nonzero(where, as_tuple=True)
    box = tuple(slice(max(int(at.min()) - _MARGIN, 0), int(at.max()) + _MARGIN + 1) for at in (rows, columns))
    a, b = (
        over(x, BACKGROUNDS[0])[:, *box].clamp(0, 1).permute(1, 2, 0).contiguous().cpu().numpy().astype(np.float32) for x in (image, truth)
    )
    error = evaluate_flip(b, a, "LDR", applyMagma=False, parameters={"ppd": PIXELS_PER_DEGREE})[0]
    return float(error[..., 0][where[box].cpu().numpy()].mean())


def flow_warp(images: tuple[Tensor, Tensor], truths: tuple[Tensor, Tensor], flow: NDArray, seen: NDArray[np.bool_]) -> tuple[float, int]:
    """How much a picture differs from the next one fetched back along the exact flow, over white, less how much the renders do so.

    `flow` (H, W, 2) px to the next picture, `seen` (H, W) where the point is seen in both. Returns the sum over those pixels of the mean
    absolute difference of red, green and blue, in 1/255, and their number. Low too for what is blurred or frozen: read it beside `tdiff`.
    """
    if not seen.any():
        return 0.0, 0
    where = torch.from_numpy(np.ascontiguousarray(seen))
    wrong = [
        _warped_difference(over(pair[0], BACKGROUNDS[0]), over(pair[1], BACKGROUNDS[0]), flow)[where].sum() for pair in (images, truths)
    ]
    return float(255 * (wrong[0] - wrong[1])), int(where.sum())


def _warped_difference(now: Tensor, after: Tensor, flow: NDArray) -> Tensor:
    height, width = now.shape[-2:]
    y, x = np.mgrid[:height, :width] + 0.5
    shift = np.nan_to_num(np.asarray(flow, np.float32))
    grid = np.stack([2 * (x + shift[..., 0]) / width - 1, 2 * (y + shift[..., 1]) / height - 1], -1).astype(np.float32)
    back = functional.grid_sample(after[None], torch.from_numpy(grid)[None], mode="bilinear", padding_mode="border", align_corners=False)[0]
    return (now - back).abs().mean(0)


def silhouette(rgba: Tensor) -> NDArray[np.float64]:
    """(3,): centroid x and y in px and area in px² of the alpha; NaN for an empty picture's centroid."""
    alpha = rgba[3].double().cpu().numpy()
    area = alpha.sum()
    y, x = (np.arange(n) + 0.5 for n in alpha.shape)
    if area <= 0:
        return np.array([np.nan, np.nan, 0.0])
    return np.array([(alpha.sum(0) * x).sum() / area, (alpha.sum(1) * y).sum() / area, area])


def shake(silhouettes: NDArray) -> tuple[float, float]:
    """How much silhouettes (F, 3) tremble from picture to picture: the RMS second difference of the centroid in px, and of the area in
    per cent of its mean. A figure that moves evenly trembles by 0. NaN for fewer than three pictures.
    """
    second = np.diff(np.asarray(silhouettes, np.float64), 2, axis=0)
    if len(second) == 0:
        return float("nan"), float("nan")
    centroid = np.sqrt((second[:, :2] ** 2).sum(1).mean())
    area = np.sqrt((second[:, 2] ** 2).mean()) / silhouettes[:, 2].mean()
    return float(centroid), float(100 * area)


def pck(found: NDArray | None, points_2d: NDArray, known: NDArray[np.bool_], torso_px: float) -> tuple[int, int]:
    """How many joints of BODY_25 (25, 2) px were found within PCK_SHARE of the torso of where they are, and how many of PCK_JOINTS there
    are: `known` (25,) says which. Where no body was `found` (None) all are missed.
    """
    joints = PCK_JOINTS[known[PCK_JOINTS]]
    if found is None:
        return 0, len(joints)
    apart = np.linalg.norm(found[joints] - points_2d[joints], axis=-1)
    return int((apart <= PCK_SHARE * torso_px).sum()), len(joints)


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


def _outline(inside: Tensor) -> Tensor:
    """(H, W) bool: pixels of a silhouette that touch what is outside of it."""
    padded = functional.pad(inside.float()[None, None], (1, 1, 1, 1))
    return inside & (functional.max_pool2d(1 - padded, 3, 1)[0, 0] > 0)


def _within(marked: Tensor, reach: float) -> Tensor:
    """(H, W) bool: pixels whose centre is at most `reach` px from a marked one's."""
    r = int(reach)
    step = torch.arange(-r, r + 1, device=marked.device)
    disk = (step[:, None] ** 2 + step**2 <= reach**2).float()[None, None]
    return functional.conv2d(marked.float()[None, None], disk, padding=r)[0, 0] > 0.5
