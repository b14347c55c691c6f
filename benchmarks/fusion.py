# SPDX-License-Identifier: GPL-3.0-or-later
"""What several looks at each frame are worth, against clips whose joints are known exactly.

    .venv/bin/python benchmarks/fusion.py [--truth FOLDER] [--sets] CLIP…

A CLIP is a folder in FOLDER with `video.mp4` and `truth.npz` (benchmarks/truth). Each is captured with one look (`--fast`) and with four,
bodies alone; the tracks are kept beside the truth and used again. Landmarks are compared with where they belong on the rig
(`retarget/markers.py`), 16 of them: shoulders, elbows, wrists, hips, knees, ankles, heels, toes. Printed, as Markdown:

* px: mean distance in the picture; mm: that of arms and legs in space, about the hips, at the scale that fits best; arms, legs: mean angle
  between upper arms and forearms, thighs and shins and the true ones, degrees;
* swapped: share of the frames in which elbows and wrists, or knees and ankles, lie nearer to the other side's (by 4 px in the mean);
* jitter: mean second difference of the error from frame to frame, in the picture (px) and in space (mm);
* spread: Spearman's rank correlation of `body_spread` with the distance in the picture (in brackets that of 1 − visibility), and the mean
  distance of the half of all landmarks with the smallest spread and of the 3 % with the largest, limbs alone.

`--sets` also tries other looks beside the tracker's: each set of SETS is fused as a capture does it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ningyo.synth_data.capture.bodies import Body, BodyModel
from ningyo.synth_data.capture.capture import Settings, capture_files
from ningyo.synth_data.capture.crops import Box, body_region
from ningyo.synth_data.capture.landmarker import quiet_libraries
from ningyo.synth_data.pose.fusion import fuse
from ningyo.synth_data.pose.landmarks import MIRRORED_33
from ningyo.synth_data.pose.repair import find_path
from ningyo.synth_data.pose.steady import steady
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.markers import OFFSETS, marker_positions
from ningyo.synth_data.video.read import read_frames
from numpy.typing import NDArray
from truth.file import Truth

Array = NDArray[np.float64]
TRUTHS = Path(__file__).parents[1] / "out" / "truth"
USED = np.array(sorted(OFFSETS))
LIMBS = np.r_[13:17, 25:33]
HALVES = np.r_[13:17], np.r_[25:29]  # elbows and wrists, knees and ankles
BONES = np.array([(11, 13), (12, 14), (13, 15), (14, 16), (23, 25), (24, 26), (25, 27), (26, 28)])
SPACE = np.r_[11:17, 25:29]
# Shown mirrored or not, turned by so many degrees, in a region so many times as large.
SHOWN = {
    "plain": (False, 0, 1),
    "mirrored": (True, 0, 1),
    "+12°": (False, 12, 1),
    "-12°": (False, -12, 1),
    "mirrored +12°": (True, 12, 1),
    "mirrored -12°": (True, -12, 1),
    "×0.9": (False, 0, 0.9),
    "×1.12": (False, 0, 1.12),
    "mirrored ×0.9": (True, 0, 0.9),
    "mirrored ×1.12": (True, 0, 1.12),
}
SETS = (
    ("mirrored", "+12°", "mirrored -12°"),
    ("mirrored", "+12°", "-12°"),
    ("mirrored", "mirrored +12°", "mirrored -12°"),
    ("mirrored", "plain", "mirrored +12°"),
    ("mirrored", "×0.9", "mirrored ×0.9"),
    ("mirrored", "×1.12", "mirrored ×1.12"),
    ("mirrored", "×0.9", "mirrored ×1.12"),
    ("mirrored", "+12°", "mirrored ×0.9"),
    ("mirrored",),
    ("mirrored", "plain"),
    ("mirrored", "plain", "+12°", "-12°", "mirrored +12°", "mirrored -12°"),
)


def captured(folder: Path, fast: bool, filter: str = "offline") -> PoseTrack:
    out = folder / f"bodies-{'one' if fast else 'four'}-{filter}.npz"
    settings = Settings(parts=False, person="main", fast=fast, filter=filter)
    return PoseTrack.load(capture_files([folder / "video.mp4"], out, settings=settings)[0])


def true_landmarks(truth: Truth) -> tuple[Array, Array]:
    """(F, 33, 2) px and (F, 33, 3) metres in the camera's axes, NaN for those without a place on the rig."""
    shown = truth.camera.world_to_camera
    seen = marker_positions(truth.rig, truth.joints, truth.turns, tuple(USED.tolist())) @ shown[:, :3].T + shown[:, 3]
    pixels, points = np.full((len(seen), 33, 2), np.nan), np.full((len(seen), 33, 3), np.nan)
    points[:, USED] = seen
    pixels[:, USED] = truth.camera.focal_px * seen[..., :2] / seen[..., 2:] + (truth.camera.width / 2, truth.camera.height / 2)
    return pixels, points


def measure(image: Array, world: Array, truth: tuple[Array, Array]) -> dict[str, float]:
    """`image` and `world` (F, 33, 3), NaN where there is no body."""
    pixels, points = truth
    off = image[..., :2] - pixels
    apart = np.linalg.norm(off, axis=-1)
    body, true = (space - space[:, (23, 24)].mean(axis=1, keepdims=True) for space in (world, points))
    there = np.isfinite(body).all(axis=(1, 2))
    scale = float((body[there][:, SPACE] * true[there][:, SPACE]).sum() / (body[there][:, SPACE] ** 2).sum())
    wrong = 1000 * (scale * body - true)[:, SPACE]
    ways = [np.diff(space[:, BONES], axis=2)[:, :, 0] for space in (body, true)]
    cosine = (ways[0] * ways[1]).sum(axis=-1) / np.linalg.norm(ways[0], axis=-1) / np.linalg.norm(ways[1], axis=-1)
    angle = np.degrees(np.arccos(cosine.clip(-1, 1)))
    swapped = []
    for half in HALVES:
        other = np.linalg.norm(image[:, MIRRORED_33[half], :2] - pixels[:, half], axis=-1)
        swapped.append(100 * float((other.mean(axis=1) + 4 < apart[:, half].mean(axis=1))[there].mean()))
    return {
        "px": float(np.nanmean(apart)),
        "mm": float(np.nanmean(np.linalg.norm(wrong, axis=-1))),
        "arms": float(np.nanmean(angle[:, :4])),
        "legs": float(np.nanmean(angle[:, 4:])),
        "swapped arms": swapped[0],
        "swapped legs": swapped[1],
        "jitter px": float(np.nanmean(np.linalg.norm(np.diff(off[:, USED], n=2, axis=0), axis=-1))),
        "jitter mm": float(np.nanmean(np.linalg.norm(np.diff(wrong, n=2, axis=0), axis=-1))),
    }


def spread_tells(track: PoseTrack, truth: tuple[Array, Array]) -> tuple[float, float, float, float]:
    """Rank correlations of the spread and of 1 − visibility with the distance in the picture; the mean distance, px, of the half with the
    smallest spread and of the 3 % with the largest."""
    apart = np.linalg.norm(track.body_image[0, :, LIMBS, :2] - truth[0][:, LIMBS].swapaxes(0, 1), axis=-1).T
    spread, unseen = track.body_spread[0][:, LIMBS], 1 - track.body_visibility[0][:, LIMBS]
    known = (spread > 0) & np.isfinite(apart)
    half, most = np.quantile(spread[known], (0.5, 0.97))
    small, large = apart[known & (spread <= half)].mean(), apart[known & (spread > most)].mean()
    return _ranked(spread[known], apart[known]), _ranked(unseen[known], apart[known]), float(small), float(large)


def _ranked(a: NDArray[Any], b: NDArray[Any]) -> float:
    first, second = (np.argsort(np.argsort(values)) for values in (a, b))
    return float(np.corrcoef(first, second)[0, 1])


def all_looks(folder: Path) -> dict[str, tuple[Array, Array, Array]]:
    """What each of SHOWN makes of a clip, and "tracker", what the first pass did: image, world (F, 33, 3) and visibility (F, 33)."""
    placed = captured(folder, fast=True)
    raw = captured(folder, fast=True, filter="none")  # with its sides set right, which does not matter to what follows
    found = {name: _nothing(placed.frames) for name in SHOWN}
    found["tracker"] = raw.body_image[0].astype(float), raw.body_world[0].astype(float), raw.body_visibility[0].astype(float)
    with quiet_libraries():
        model = BodyModel()
    for at, frame in enumerate(read_frames(folder / "video.mp4")):
        if not np.isfinite(placed.body_image[0, at]).all():
            continue
        region = body_region(placed.body_image[0, at].astype(float))
        for name, (mirrored, turn, larger) in SHOWN.items():
            box = Box(region.x, region.y, larger * region.side, region.up + float(np.radians(turn)))
            body: Body | None = (model.look_mirrored if mirrored else model.look)(frame.rgb, box)
            if body is not None:
                for array, values in zip(found[name], (body.image, body.world, body.visibility), strict=True):
                    array[at] = values
    model.close()
    return found


def _nothing(frames: int) -> tuple[Array, Array, Array]:
    return np.full((frames, 33, 3), np.nan), np.full((frames, 33, 3), np.nan), np.zeros((frames, 33))


def fused(looks: Sequence[tuple[Array, Array, Array]], time: Array) -> tuple[Array, Array]:
    """Image and world of several looks, as a capture puts them together and filters them."""
    image, world, visibility = (np.stack(arrays, 1) for arrays in zip(*looks, strict=True))
    height = float(np.nanmedian(np.ptp(image[:, 0, :, 1], axis=1)))
    found = fuse(image, world, visibility, *find_path(image, world, visibility, time), height)
    return steady(found[0], time, found[2], height), steady(found[1], time, found[2], 1.7)


def line(name: str, figures: dict[str, float]) -> str:
    px, mm, arms, legs, *swapped, jitter, jitter_mm = figures.values()
    return f"| {name} | {px:.2f} | {mm:.0f} | {arms:.1f}, {legs:.1f} | {swapped[0]:.1f}, {swapped[1]:.1f} | {jitter:.2f}, {jitter_mm:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", metavar="CLIP")
    parser.add_argument("--truth", type=Path, default=TRUTHS, metavar="FOLDER")
    parser.add_argument("--sets", action="store_true")
    args = parser.parse_args()
    truths = {clip: true_landmarks(Truth.load(args.truth / clip)) for clip in args.clips}
    head = "| px | mm | arms, legs | swapped | jitter px, mm |"
    print(f"| clip {head} spread |\n|{'---|' * 7}")
    for clip, truth in truths.items():
        for name, fast in (("one look", True), ("four", False)):
            track = captured(args.truth / clip, fast)
            text = line(f"{clip}: {name}", measure(track.body_image[0].astype(float), track.body_world[0].astype(float), truth))
            if not fast:
                ranks, unseen, small, large = spread_tells(track, truth)
                text += f" {ranks:.2f} ({unseen:.2f}), {small:.1f} and {large:.1f} px |"
            print(text, flush=True)
    if not args.sets:
        return
    print(f"\n| beside the tracker's look {head}\n|{'---|' * 6}")
    looks = {clip: all_looks(args.truth / clip) for clip in args.clips}
    for names in SETS:
        results = []
        for clip, truth in truths.items():
            time = captured(args.truth / clip, True).time
            results.append(measure(*fused([looks[clip][name] for name in ("tracker", *names)], time), truth))
        print(line(", ".join(names), {key: float(np.mean([result[key] for result in results])) for key in results[0]}), flush=True)


if __name__ == "__main__":
    main()
