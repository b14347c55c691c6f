# SPDX-License-Identifier: GPL-3.0-or-later
"""A model beside its baselines on clips it has never seen: report.json and grid.png.

The baselines are what a generator must beat to be worth training: the mean of all training pictures, and the training picture whose
pose is nearest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..errors import UserError
from ..jobs.folder import write_atomically
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.folder import Dataset
from ..synth_data.pose.skeleton import draw_skeleton
from . import metrics
from .checkpoint import load_model
from .data import Pairs, consecutive, open_dataset, skeleton_points
from .drawings import CAPSULES, drawing
from .step import best_device, mixed_precision_pays
from .threads import Threads

SCHEMA, VERSION = "ningyo.report", 1
REPORT, GRID = "report.json", "grid.png"
COLUMNS = 8
LIGHT = (0.93, 0.93, 0.95)  # what pictures for people are laid over
_JOINTS = np.r_[0:25, 95 + 4, 95 + 8, 95 + 20, 116 + 4, 116 + 8, 116 + 20]  # what poses are compared by: the body and some fingertips

Picture = Callable[[int], Tensor]  # number of a held-out sample → premultiplied RGBA (4, H, W)


def evaluate(model: Path | str, dataset: Path | str, out: Path | str, *, report: Reporter = SILENT) -> dict[str, Any]:
    """Measure `model` on the dataset's held-out clips and write report.json and grid.png to the folder `out`. Returns the report.

    Its "rows" are ours, nearest_2d, nearest_3d and mean_image, each with psnr_fg, psnr_head (dB), ssim_fg, alpha_iou, sharpness and
    tdiff (null where the held-out samples hold no two consecutive frames through one camera): means over frames. Raises UserError.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the report.")
    generator, config = load_model(model)
    data = open_dataset(dataset)
    if data.size[0] != config["size"]:
        raise UserError(
            f"{model} makes pictures of {config['size']} px and {dataset} holds {data.size[0]} px; render a dataset of the model's size."
        )
    out.mkdir(parents=True, exist_ok=True)
    test, train = (Pairs(data, split, out, config["conditioning"]) for split in ("test", "train"))
    if len(test) == 0:
        raise UserError(f"{dataset} holds no test clip; render it with more than one clip or a longer one.")
    started = time.monotonic()
    pictures = _pictures(generator, config["conditioning"], test, train)
    rows, seconds = _measure(pictures, test, report)
    clips = sorted({sample.clip for sample in test.samples})
    result = {
        "schema": SCHEMA,
        "version": VERSION,
        "rows": rows,
        "clips": clips,
        "frames": len(test),
        "train_frames": len(train),
        "seconds": {"generate_frame": seconds, "total": round(time.monotonic() - started, 1)},
    }
    save_grid(out / GRID, data, test, pictures["ours"])
    write_atomically(out / REPORT, json.dumps(result, indent=1) + "\n")
    report.artefact("grid", out / GRID)
    report.artefact("report", out / REPORT)
    return result


def runner(generator: nn.Module, kind: str = CAPSULES) -> Callable[[NDArray[np.uint8], NDArray[np.float32] | None], Tensor]:
    """The generator as a function on the best device: packed conditioning of that kind (H, W, packed) and the head's square (3,) →
    premultiplied RGBA (4, H, W) float32 on the CPU.
    """
    device = best_device()
    mixed = mixed_precision_pays(device)
    network = generator.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
    threads = Threads(most=None if device.type == "cpu" else 1)
    expand = drawing(kind).expand

    @torch.inference_mode()
    def run(packed: NDArray[np.uint8], head: NDArray[np.float32] | None) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(packed))[None].permute(0, 3, 1, 2).to(device)
        square = None if head is None else torch.from_numpy(head)[None].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            return network(expand(tensor, torch.bfloat16 if mixed else torch.float32), square)[0].float().cpu()

    return lambda packed, head: threads.run(lambda: run(packed, head))


def save_grid(path: Path, dataset: Dataset, test: Pairs, picture: Picture, columns: int = COLUMNS) -> None:
    """Held-out frames, evenly spread: skeleton, generated, truth, one below the other."""
    cells = []
    for index in np.unique(np.linspace(0, len(test) - 1, columns).round().astype(int)):
        sample = test.samples[index]
        skeleton = draw_skeleton(skeleton_points(dataset, sample), dataset.size)
        cells.append(np.concatenate([skeleton, *(_displayed(x) for x in (picture(int(index)), _truth(test, int(index))))], 0))
    beside = path.with_name(f".{path.name}.part")
    Image.fromarray(np.concatenate(cells, 1)).save(beside, "PNG")
    beside.replace(path)


def _displayed(rgba: Tensor) -> NDArray[np.uint8]:
    return (metrics.over(rgba, LIGHT).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def _truth(pairs: Pairs, index: int) -> Tensor:
    return torch.from_numpy(pairs.pair(index)[..., -4:].astype(np.float32) / 255).permute(2, 0, 1)


def _pictures(generator: nn.Module, kind: str, test: Pairs, train: Pairs) -> dict[str, Picture]:
    run = runner(generator, kind)
    pictures: dict[str, Picture] = {"ours": lambda i: run(test.pair(i)[..., :-4], test.head(i))}
    if len(train):
        mean = torch.stack([_truth(train, i) for i in _spread(len(train), 200)]).mean(0)
        (test_2d, test_3d), (train_2d, train_3d) = _poses(test), _poses(train)
        pictures["nearest_2d"] = lambda i: _truth(train, _nearest(test_2d[i], train_2d))
        pictures["nearest_3d"] = lambda i: _truth(train, _nearest(test_3d[i], train_3d))
        pictures["mean_image"] = lambda i: mean
    return pictures


def _spread(count: int, most: int) -> list[int]:
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _poses(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Every sample's joints: (N, J, 2) as shares of the picture, and (N, J, 3) camera-space heights from the hips."""
    flat, solid = [], []
    for sample in pairs.samples:
        pose = pairs.dataset.pose(sample)
        flat.append(pose.points_2d[_JOINTS] / pairs.size)
        points = pose.points_camera
        solid.append((points[_JOINTS] - points[8]) / pairs.height)
    return np.array(flat), np.array(solid)


def _nearest(pose: NDArray[np.float64], others: NDArray[np.float64]) -> int:
    """Index of the pose with the least mean distance; joints unknown in either are left out."""
    distance = np.sqrt(((others - pose) ** 2).sum(-1))
    known = np.isfinite(distance)
    return int((np.where(known, distance, 0).sum(-1) / np.maximum(known.sum(-1), 1) + ~known.any(-1) * 1e9).argmin())


def _measure(pictures: dict[str, Picture], test: Pairs, report: Reporter) -> tuple[dict[str, dict[str, float | None]], float]:
    runs = consecutive(test.samples)
    rows: dict[str, dict[str, float | None]] = {}
    seconds = 0.0
    total, done = len(pictures) * len(test), 0
    for name, picture in pictures.items():
        values: dict[str, list[float]] = {key: [] for key in ("psnr_fg", "ssim_fg", "alpha_iou", "psnr_head", "sharpness")}
        for i in range(len(test)):
            start = time.monotonic()
            image = picture(i)
            if name == "ours":
                seconds += time.monotonic() - start
            truth = _truth(test, i)
            pose = test.dataset.pose(test.samples[i])
            box = metrics.head_box(pose.points_camera, pose.K, test.height, test.size)
            values["psnr_fg"].append(metrics.psnr_fg(image, truth))
            values["ssim_fg"].append(metrics.ssim_fg(image, truth))
            values["alpha_iou"].append(metrics.alpha_iou(image, truth))
            values["psnr_head"].append(metrics.psnr_head(image, truth, box))
            values["sharpness"].append(metrics.sharpness(image, truth))
            done += 1
            report.progress(done, total, "pictures", name)
        row: dict[str, float | None] = {key: _mean(v) for key, v in values.items()}
        sums = np.array([metrics.tdiff([picture(i) for i in run], [_truth(test, i) for i in run]) for run in runs]).reshape(-1, 2).sum(0)
        row["tdiff"] = round(float(sums[0] / sums[1]), 4) if sums[1] > 0 else None
        rows[name] = row
    return rows, round(seconds / len(test), 4)


def _mean(values: list[float]) -> float | None:
    known = [v for v in values if np.isfinite(v)]
    return round(float(np.mean(known)), 4) if known else None
