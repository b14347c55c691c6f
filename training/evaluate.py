# SPDX-License-Identifier: GPL-3.0-or-later
"""A model beside its baselines on clips it has never seen, by one command: report.json, report.html, pictures and a movie.

The baselines are what a generator must beat to be worth training: the training picture whose pose is nearest, the mean of all training
pictures, nothing at all, and, where time is given for them, what others would train on the same pictures.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import UserError
from ..jobs.folder import sha256_of, write_atomically
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.folder import HEADER, INDEX
from ..synth_data.pose.conditions import CAPSULES, Condition, condition_named
from .checkpoint import MODEL, load_config, load_model
from .data import open_character
from .evaluation import rows as measuring
from .evaluation.held_out import HeldOut, in_order, runs, units
from .evaluation.nearest import nearest_poses
from .evaluation.page import page
from .evaluation.rows import LIGHT, Detector, Measured, Picture, displayed, measure
from .evaluation.sheets import save_grid, save_movie, save_sheet, spread
from .evaluation.table import summarised
from .files import REPORT
from .runner import torch_runner
from .step import best_device, mixed_precision_pays

__all__ = ["GRID", "LIGHT", "MOVIE", "PAGE", "REPORT", "evaluate", "runner", "save_grid"]

SCHEMA, VERSION = "ningyo.report", 2
GRID, PAGE, MOVIE = "grid.png", "report.html", "side_by_side.mp4"
ROWS, SHEETS, BASELINES = "rows", "sheets", "baselines"
TRAINED = ("pix2pix", "dance_now", "dance_now_mended")
MEAN_OF = 200  # training pictures
WORST_FRAMES = 6


def evaluate(
    model: Path | str,
    dataset: Path | str,
    out: Path | str,
    *,
    baselines: float | None = None,  # minutes of training for each of TRAINED; None: without them
    detect: Detector | None = None,  # finds a body in a picture; without it nothing is said of poses
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Measure `model` on the dataset's held-out clips, and write the report into the folder `out`. Returns what report.json holds: see
    docs/architecture.md.

    Every row is kept in `out` when it is done, so that a second call with the same model and dataset goes on where the first one stopped.
    Raises UserError, and Cancelled.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the report.")
    _, config = load_model(model)
    data = open_character(dataset, config.get("character"))
    if data.size[0] != config["size"]:
        raise UserError(
            f"{model} makes pictures of {config['size']} px and {dataset} holds {data.size[0]} px; render a dataset of the model's size."
        )
    test, train = HeldOut(data, "test"), HeldOut(data, "train")
    if len(test) == 0:
        raise UserError(f"{dataset} holds no test clip; render it with more than one clip or a longer one.")
    out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    trained = {} if baselines is None else _train_baselines(Path(dataset), out, config, baselines, report)
    networks = {"ours": Path(model), **trained}
    pictures = _pictures(networks, test, train, out)
    # What the numbers of a row depend on, beside its network.
    common = f"{measuring.VERSION} {sha256_of(data.path / HEADER)} {sha256_of(data.path / INDEX)} {detect is not None} {data.character}"
    keys = {name: f"{common} {sha256_of(networks[name] / MODEL)}" if name in networks else common for name in pictures}
    found = runs(test.samples)
    measured = _measure_all(pictures, keys, test, found, out, detect, report)
    of_units, resampled = units(test.samples, found)
    table = {name: summarised(row.columns, measured["rig_render"].columns, of_units) for name, row in measured.items()}
    looks = measured["rig_render"].columns
    costs = {name: _about(folder, measured[name].seconds) for name, folder in networks.items()}
    result = {
        "schema": SCHEMA,
        "version": VERSION,
        "rows": {name: row for name, (row, _, _) in table.items()},
        "intervals": {name: intervals for name, (_, intervals, _) in table.items()},
        "worst_decile": {name: worst for name, (_, _, worst) in table.items()},
        "resampled": resampled,
        "clips": sorted({sample.clip for sample in test.samples}),
        "frames": len(test),
        "filmed": test.filmed,
        "train_frames": len(train),
        "on_renders": {"pck": _share(looks["pck"], looks["joints"]), "detected": _share(looks["detected"], np.isfinite(looks["detected"]))},
        "networks": costs,
        "seconds": {"generate_frame": costs["ours"]["frame"], "total": round(time.monotonic() - started, 1)},
    }
    save_grid(out / GRID, data, test, pictures["ours"])
    shown = [pictures[name] for name in ("ours", "nearest_3d") if name in pictures]
    save_movie(out / MOVIE, test, found, shown)
    write_atomically(out / REPORT, json.dumps(result, indent=1) + "\n")
    sheets = {name: _sheet(out, name) for name in pictures if name not in ("ours", "rig_render")}  # both are in the grid
    worst = _worst_frames(measured["ours"], test, found, pictures["ours"])
    title = f"{Path(model).resolve().name} on {data.path.resolve().name}"
    write_atomically(out / PAGE, page(result, title, out / GRID, out / MOVIE, sheets, worst))
    for kind, name in (("grid", GRID), ("movie", MOVIE), ("report page", PAGE), ("report", REPORT)):
        report.artefact(kind, out / name)
    return result


def runner(network: nn.Module, drawing: Condition = CAPSULES) -> Callable[[NDArray[np.uint8], NDArray[np.float32]], Tensor]:
    """The network as a function on the best device: what was drawn (H, W, packed) and the head's square (3,) →
    premultiplied RGBA (4, H, W) float32 on the CPU.
    """
    device = best_device()
    run = torch_runner(network, device, mixed=mixed_precision_pays(device), drawing=drawing)
    return lambda packed, head: torch.from_numpy(run(packed, head)).permute(2, 0, 1).clamp(0, 1)


def _pictures(networks: dict[str, Path], test: HeldOut, train: HeldOut, out: Path) -> dict[str, Picture]:
    """All rows, in the report's order; what costs something is made when it is first asked for."""

    def of(folder: Path) -> Picture:
        @cache
        def loaded() -> Picture:
            network, config = load_model(folder)
            drawing = condition_named(config["conditioning"])
            run = runner(network, drawing)
            return lambda i: run(test.packed(i, drawing), test.head(i))

        return lambda i: loaded()(i)

    pictures: dict[str, Picture] = {name: of(folder) for name, folder in networks.items()}
    if len(train):
        nearest = cache(lambda: nearest_poses(test, train, out))
        mean = cache(lambda: _mean_picture(train))
        pictures["nearest_3d"] = lambda i: train.truth(int(nearest()[1][i]))
        pictures["nearest_2d"] = lambda i: train.truth(int(nearest()[0][i]))
        pictures["mean_image"] = lambda i: mean()
    pictures["blank"] = lambda i: torch.zeros(4, test.size, test.size)
    pictures["rig_render"] = test.truth
    return pictures


def _mean_picture(train: HeldOut) -> Tensor:
    chosen = spread(len(train), MEAN_OF)
    total = torch.zeros(4, train.size, train.size)
    for i in chosen:
        total += train.truth(i)
    return total / len(chosen)


def _measure_all(
    pictures: dict[str, Picture],
    keys: dict[str, str],
    test: HeldOut,
    found: list[list[int]],
    out: Path,
    detect: Detector | None,
    report: Reporter,
) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    total = len(pictures) * len(test)
    for place, (name, picture) in enumerate(pictures.items()):
        path, before = out / ROWS / f"{name}.json", place * len(test)
        row = Measured.load(path, keys[name])
        if row is None or len(row.seconds) != len(test) or not _sheet(out, name).exists():

            def progress(done: int, before: int = before, name: str = name) -> None:
                report.progress(before + done, total, "pictures", name)

            row = measure(picture, test, found, detect, progress)
            save_sheet(_sheet(out, name), test, picture)
            row.save(path, keys[name])
        else:
            report.progress(before + len(test), total, "pictures", f"{name} is measured already")
        measured[name] = row
    return measured


def _train_baselines(dataset: Path, out: Path, config: dict[str, Any], minutes: float, report: Reporter) -> dict[str, Path]:
    """The models of TRAINED, each trained for so many minutes by the same loop on the same pictures in
    batches of the same size; by the row's name."""
    from .loop import train  # which imports this module

    folders = {name: out / BASELINES / name for name in TRAINED}
    for name, folder in folders.items():
        report.stage(f"training {name}")
        train(
            dataset, folder, character=config.get("character"), preset=config["preset"], method=name, minutes=minutes, measured=False,
            report=report,
        )  # fmt: skip
    report.stage("evaluate")
    return folders


def _worst_frames(ours: Measured, test: HeldOut, found: list[list[int]], picture: Picture) -> list[tuple[str, NDArray[np.uint8]]]:
    """Captions and pictures, the render left and ours right, of the frames with the least PSNR."""
    order = [i for i, _ in in_order(found)]
    values = ours.columns["psnr_fg"]
    shown = []
    for at in np.argsort(np.where(np.isfinite(values), values, np.inf))[:WORST_FRAMES]:
        sample = test.samples[order[at]]
        pair = np.concatenate([displayed(test.truth(order[at])), displayed(picture(order[at]))], 1)
        shown.append((f"{sample.clip}, frame {sample.frame:g}: {values[at]:.1f} dB", pair))
    return shown


def _sheet(out: Path, name: str) -> Path:
    return out / SHEETS / f"{name}.png"


def _share(top: NDArray[Any], bottom: NDArray[Any]) -> float | None:
    whole = float(np.nansum(bottom))
    return round(float(np.nansum(top)) / whole, 4) if whole else None


def _about(folder: Path, seconds: NDArray[np.float64]) -> dict[str, Any]:
    """What a network cost: minutes and pictures of training, megabytes on the disk, seconds a frame, drawing its conditioning included."""
    training = load_config(folder).get("training", {})
    return {
        "minutes": round(training.get("seconds", 0) / 60, 2),
        "images": training.get("images"),
        "megabytes": round((folder / MODEL).stat().st_size / 1e6, 2),
        "frame": round(float(seconds.mean()), 4),
        "frame_p95": round(float(np.percentile(seconds, 95)), 4),
    }
