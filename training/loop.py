# SPDX-License-Identifier: GPL-3.0-or-later
"""Training, from a dataset folder to a model folder. Running it again resumes; nothing is lost but the steps since the last
checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import Cancelled, UserError
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.folder import HEADER, Dataset
from ..synth_data.pose.conditioning import RASTERISER_VERSION
from .checkpoint import CONFIG, MODEL, RIG, load_state, read_state_info, save_model, save_state
from .data import Pairs, Sampler, open_dataset
from .evaluate import REPORT, evaluate, runner, save_grid
from .presets import DEFAULT, Preset, preset_named
from .step import Trainer, best_device, mixed_precision_pays
from .threads import Threads

STATS, PREVIEW = "stats.jsonl", "preview.png"
CHECKPOINT_SECONDS = 30.0
STATS_STEPS = 20
PREVIEW_COLUMNS = 4
TOO_STRONG = 0.98  # share of patches the discriminator gets right


def train(
    dataset: Path | str,
    out: Path | str,
    *,
    preset: str = DEFAULT,
    minutes: float | None = None,  # None: the preset's
    steps: int | None = None,  # instead of minutes: exactly so many, which makes the result a function of the data and the seed
    seed: int = 0,
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Train on the dataset's training clips, then measure on the held-out ones. `out` becomes a model folder (docs/architecture.md).

    Time spent counts over all runs: a second call with the same budget returns at once, with a larger one goes on. Raises UserError,
    also when the training diverges (the last good checkpoint stays), and Cancelled after saving. Returns {"steps", "images",
    "seconds", "rows"}.
    """
    out, settings = Path(out), preset_named(preset)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the model.")
    if (minutes is not None and not minutes > 0) or (steps is not None and steps <= 0):
        raise UserError("The training time must be more than 0 minutes.")
    data = open_dataset(dataset)
    if not data.by_split["train"]:
        raise UserError(f"{dataset} holds no training pictures; run the same `ningyo render` command again to finish it.")
    identity = {"preset": preset, "seed": seed, "dataset": hashlib.sha256((data.path / HEADER).read_bytes()).hexdigest()}
    info = read_state_info(out)
    if info is None and (out / CONFIG).exists():
        raise UserError(f"{out} holds a model without the state that resuming needs; choose another folder.")
    if info is not None and any(info.get(key) != value for key, value in identity.items()):
        raise UserError(f"{out} holds a model of another dataset, preset or seed; choose another folder.")
    budget = _Budget(steps, (settings.minutes if minutes is None else minutes) * 60, info)
    if budget.spent() < 1 or not (out / MODEL).exists():
        out.mkdir(parents=True, exist_ok=True)
        _train(data, out, settings, identity, budget, report)
        (out / REPORT).unlink(missing_ok=True)  # it tells of an earlier model
    if not (out / REPORT).exists() and data.by_split["test"]:
        evaluate(out, dataset, out, report=report)
    rows = json.loads((out / REPORT).read_text("utf-8"))["rows"] if (out / REPORT).exists() else {}
    return {"steps": budget.steps, "images": budget.steps * settings.batch, "seconds": round(budget.seconds, 1), "rows": rows}


class _Budget:
    """How much of the training is over, counted in steps if their number was given, else in seconds of this run and those before."""

    def __init__(self, total_steps: int | None, total_seconds: float, info: dict[str, Any] | None) -> None:
        self.total_steps, self.total_seconds = total_steps, total_seconds
        self.steps: int = info["steps"] if info else 0
        self._before: float = info["seconds"] if info else 0.0
        self._since: float | None = None

    def start(self) -> None:
        self._since = time.monotonic()

    def stop(self) -> None:
        self._before, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)

    def spent(self) -> float:
        return self.progress_at(self.steps)

    def progress_at(self, step: int) -> float:
        """The share of the training that is over when `step` steps are: known beforehand if their number was given, else that of now."""
        return step / self.total_steps if self.total_steps is not None else self.seconds / self.total_seconds

    def say(self, report: Reporter, note: str) -> None:
        if self.total_steps is not None:
            report.progress(self.steps, self.total_steps, "steps", note)
        else:
            report.progress(round(min(self.seconds, self.total_seconds), 1), self.total_seconds, "seconds", note)


def _train(data: Dataset, out: Path, preset: Preset, identity: dict[str, Any], budget: _Budget, report: Reporter) -> None:
    device = best_device()
    mixed = mixed_precision_pays(device)
    with torch.random.fork_rng():
        torch.manual_seed(identity["seed"])
        trainer = Trainer(preset, device, mixed=mixed)
    if budget.steps:
        load_state(out, trainer)
    pairs, test = Pairs(data, "train", out), Pairs(data, "test", out)
    config = {
        "preset": identity["preset"],
        "network": {"widths": preset.widths, "blocks": preset.blocks, "head": preset.head},
        "size": pairs.size,
        "rasteriser": RASTERISER_VERSION,
        "character": pairs.character,
    }
    shutil.copyfile(data.rig_path(pairs.character), out / RIG)
    stats = _Stats(out / STATS, budget.steps)
    sampler = Sampler(pairs, preset, identity["seed"], budget.progress_at, start=budget.steps)

    def save() -> None:
        save_state(out, trainer, identity | {"seconds": budget.seconds})
        spent = {"images": budget.steps * preset.batch, "seconds": round(budget.seconds, 1), "mixed": mixed}
        save_model(out, trainer.ema, config | {"training": identity | spent | {"settings": asdict(preset)}})
        report.artefact("checkpoint", out / MODEL)
        if len(test):
            run = runner(trainer.ema)
            save_grid(out / PREVIEW, data, test, lambda i: run(test.pair(i)[..., :-4]), PREVIEW_COLUMNS)
            report.artefact("preview", out / PREVIEW)

    threads = Threads(most=None if device.type == "cpu" else 1)
    budget.start()
    saved = time.monotonic()
    try:
        while (progress := budget.spent()) < 1:
            batch = next(sampler)
            values = threads.run(partial(trainer.step, *batch, progress))
            if not math.isfinite(float(values["g"])):
                left = _what_is_left(out)
                raise UserError(f"The training diverged at step {budget.steps}; {left}, train again into another folder with another seed.")
            budget.steps = trainer.steps
            stats.add(values)
            if budget.steps % STATS_STEPS == 0:
                stats.write(budget.steps, budget.steps * preset.batch, budget.seconds, trainer.opt_G.param_groups[0]["lr"], report)
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                save()
                saved = time.monotonic()
            budget.say(report, f"{budget.steps * preset.batch} pictures")
        budget.stop()
        save()
    except Cancelled:
        budget.stop()
        save()
        raise
    finally:
        threads.close()
        sampler.close()


def _what_is_left(out: Path) -> str:
    return f"the model in {out} is the last good one" if (out / MODEL).exists() else "no model was saved"


class _Stats:
    """stats.jsonl: the losses' means over some steps. Lines of steps after the checkpoint that is resumed from are dropped."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path = path
        self._sums: dict[str, list[Tensor]] = {}
        self._warned = False
        if path.exists():
            kept = []
            for line in path.read_text("utf-8").splitlines():
                try:
                    if json.loads(line)["step"] <= steps:
                        kept.append(line + "\n")
                except (ValueError, KeyError, TypeError):
                    continue  # cut short by a kill
            path.write_text("".join(kept), "utf-8")

    def add(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value)

    def write(self, step: int, images: int, seconds: float, lr: float, report: Reporter) -> None:
        means = {name: round(float(torch.stack(values).float().mean()), 5) for name, values in self._sums.items()}
        self._sums.clear()
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "images": images, "seconds": round(seconds, 1), "lr": lr, **means}) + "\n")
        right = means.get("d_right")
        if right is not None and right > TOO_STRONG and not self._warned:
            self._warned = True
            report.warning("The discriminator is almost always right, so it teaches the generator little; the pictures may stay soft.")
