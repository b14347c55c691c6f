# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of label as something to look at, thumbnails, and sheets of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .body import box_of, states_of
from .folder import DEPTH, FLOW, IMAGE, KINDS, LIMBS, PARTS, SUFFIX, UV, Dataset, Sample
from .labels import flow_of
from .pictures import Pixels, flattened, nearness, picture, pixels, read, resized, skeleton
from .png import decode_png

Given = TypeVar("Given")
Made = TypeVar("Made")

PALE = 235  # the grey that transparency is laid on
SHEET = (4, 6)  # rows and columns of (image, skeleton) pairs
AVERAGED = 200  # pictures of which the mean is taken
IN_A_ROW = 5  # at most, of a sample's pictures side by side
GAP, BESIDE = 4, 48  # px between them, and the grey there


def spread(dataset: Dataset, count: int) -> list[Sample]:
    """At most `count` samples, evenly over the dataset."""
    count = min(count, len(dataset.samples))
    return [dataset.samples[(2 * i + 1) * len(dataset.samples) // (2 * count)] for i in range(count)]


def shown(dataset: Dataset, sample: Sample, kind: str) -> Pixels | None:
    """A sample's label as a picture (H, W, 3); None for a kind that is none. Raises UserError for one that is missing or damaged."""
    if kind == LIMBS:
        return _one_hot(read(dataset, sample, kind), dataset.size)
    if not dataset.file(sample, kind).name.endswith(".png"):
        return None
    return _visible(kind, pixels(dataset, sample, kind))


def strip(contents: Mapping[str, bytes], size: int) -> tuple[Pixels, list[str]]:
    """What a sample's files hold by kind, of pictures of `size` px: the image and then its labels in rows (H, W, 3), and their kinds."""
    found: dict[str, Pixels] = {}
    for kind in sorted(contents, key=KINDS.index):
        image = _one_hot(contents[kind], (size, size)) if kind == LIMBS else None
        if SUFFIX[kind].endswith(".png"):
            image = _visible(kind, decode_png(contents[kind]))
        if image is not None:
            found[kind] = image if len(image) == size else resized(image, size, size)
    columns = len(found) if len(found) <= IN_A_ROW else -(-len(found) // -(-len(found) // IN_A_ROW))
    tiles = [*found.values(), *[np.full((size, size, 3), BESIDE, np.uint8)] * (-len(found) % columns)]
    rows = [np.concatenate(_apart(tiles[i : i + columns], axis=1), axis=1) for i in range(0, len(tiles), columns)]
    return np.concatenate(_apart(rows, axis=0)), list(found)


def _apart(images: list[Pixels], axis: int) -> list[Pixels]:
    """The images with a gap between each and the next."""
    shape = list(images[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, BESIDE, np.uint8)
    return [part for image in images for part in (gap, image)][1:]


def _visible(kind: str, image: npt.NDArray[Any]) -> Pixels:
    """A decoded label of a kind that is a PNG, as a picture (H, W, 3)."""
    if kind == DEPTH:
        return flattened(nearness(image[..., 0])[..., None])
    if kind == PARTS:
        return colours(image[..., 0])
    if kind == FLOW:
        return _flow(image)
    if kind == UV:
        image = np.where(image[..., 2:] > 0, image, 0)
        image[..., 2] = 0
    return flattened(image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8), PALE)


def colours(ids: npt.NDArray[Any]) -> Pixels:
    """Ids (…) → (…, 3) uint8: black for 0, else a hue of their own, neighbours far apart."""
    turn = np.arange(256) * 0.618034 % 1
    table = _hues(turn, np.where(np.arange(256) % 2, 1.0, 0.7))
    table[0] = 0
    return table[ids]


def _hues(turn: npt.NDArray[Any], value: npt.NDArray[Any], strength: Any = 0.75) -> Pixels:
    """Hues (…) in turns, values and saturations 0…1 → (…, 3) uint8."""
    wheel = np.clip(np.abs((turn[..., None] * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return np.rint(255 * value[..., None] * (1 + np.asarray(strength)[..., None] * (wheel - 1))).astype(np.uint8)


def _flow(image: npt.NDArray[Any]) -> Pixels:
    """Flow as the field shows it: the hue is the direction, the stronger the faster; grey where it is not known."""
    flow, _ = flow_of(image)
    known = np.isfinite(flow).all(axis=2)
    flow = np.where(known[..., None], flow, 0)
    speed = np.hypot(flow[..., 0], flow[..., 1])
    turn = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    out = _hues(turn, np.ones_like(turn), speed / max(speed.max(), 1e-6))
    out[~known] = 128
    return out


def _one_hot(data: bytes, size: tuple[int, int]) -> Pixels | None:
    """A channel a limb, before or behind the pixels' axes, in colours; None for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = [file[name] for name in file.files]
    except (ValueError, OSError, zipfile.BadZipFile):
        return None
    for array in arrays:
        for axis in (0, -1):
            channels = np.moveaxis(array, axis, 0)
            if channels.ndim == 3 and channels.shape[1:] == size[::-1]:
                return colours(np.where(channels.any(axis=0), channels.argmax(axis=0) + 1, 0))
    return None


def all_labels(dataset: Dataset, sample: Sample) -> dict[str, Pixels]:
    """Every kind of a sample that can be looked at."""
    found = {kind: shown(dataset, sample, kind) for kind in sample.files}
    return {kind: image for kind, image in found.items() if image is not None}


def thumbnail(dataset: Dataset, sample: Sample, side: int) -> Pixels:
    """(side, side, 4): the character cut out and made small, with its transparency."""
    image = pixels(dataset, sample, IMAGE)
    height, width = image.shape[:2]
    if image.shape[2] == 3:
        image = np.concatenate([image, np.full((height, width, 1), 255, np.uint8)], axis=2)
    pose = dataset.pose(sample)
    left, top, right, bottom = box_of(pose.points_2d, states_of(pose)) or (0.0, 0.0, float(width), float(height))
    half = max(0.58 * max(right - left, bottom - top), 8.0)  # a margin for the hair and the hands, which end beyond their joints
    x, y, half = round((left + right) / 2), round((top + bottom) / 2), round(half)
    padded = np.pad(image, ((half, half), (half, half), (0, 0)))
    cut = padded[y : y + 2 * half, x : x + 2 * half].astype(np.float32)
    cut[..., :3] *= cut[..., 3:] / 255  # colours of what is transparent must not bleed in
    small = resized(np.rint(cut).astype(np.uint8), side, side).astype(np.float32)
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


def mean_picture(dataset: Dataset) -> Pixels:
    """The mean of up to 200 samples' pictures, (H, W, 3): a grey fog where characters differ, sharp where all are alike."""
    total, count = np.zeros((*dataset.size[::-1], 3)), 0
    for image in readable(lambda sample: picture(dataset, sample, PALE), spread(dataset, AVERAGED)):
        total += image
        count += 1
    return np.rint(total / max(count, 1)).astype(np.uint8)


def contact_pairs(dataset: Dataset) -> Callable[[Sample], Pixels]:
    """Image and skeleton side by side, (H, 2 W, 3), of a sample."""
    return lambda sample: np.concatenate([picture(dataset, sample, PALE), skeleton(dataset, sample)], axis=1)


def contact_sheet(dataset: Dataset) -> Pixels:
    """(H, W, 3): image and skeleton of 24 samples that are spread evenly over the dataset. Raises UserError when none can be read."""
    rows, columns = SHEET
    pairs = list(readable(contact_pairs(dataset), spread(dataset, rows * columns)))
    if not pairs:
        raise UserError(f"No picture of {dataset.path} can be read; `ningyo dataset verify` lists what is wrong.")
    columns = min(columns, len(pairs))
    pairs += [np.full_like(pairs[0], 255)] * (-len(pairs) % columns)
    return np.concatenate([np.concatenate(pairs[i : i + columns], axis=1) for i in range(0, len(pairs), columns)])


def readable(make: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
    """What `make` makes of each item, without those whose files are missing or damaged."""
    for item in items:
        try:
            made = make(item)
        except UserError:
            continue
        yield made
