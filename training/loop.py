# SPDX-License-Identifier: GPL-3.0-or-later
"""Training, from a dataset folder to a model folder. Running it again resumes; nothing is lost but the steps since the last
checkpoint.

A training of a given number of steps is a function of dataset, preset and seed: interrupted and resumed or not, it ends with the same
weights on the same kind of CPU. Started by `torchrun`, it is shared between the processes (`training.distributed`).
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

from ..errors import Cancelled, UserError
from ..jobs.folder import set_aside
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.folder import HEADER, Dataset
from .balance import Watch
from .checkpoint import FILMED, Outdated, load_config, load_state, read_state_info, save_model, save_state
from .data import Pairs, Sampler, filmed_target, open_character
from .distributed import World, joined
from .evaluate import evaluate, runner, save_grid
from .evaluation.held_out import HeldOut
from .evaluation.rows import still_metrics
from .evaluation.sheets import spread
from .files import CONFIG, MODEL, PREVIEW, REPORT, RIG
from .methods import OURS, learner, method_named
from .presets import DEFAULT, Preset, preset_named
from .record import Record
from .step import best_device, mixed_precision_pays
from .threads import Threads

CHECKPOINT_SECONDS, FIRST_CHECKPOINT_SECONDS = 30.0, 10.0  # the first one sooner, as people wait for something to look at
STATS_STEPS = 20
PREVIEW_COLUMNS = 4
SHOWN_METRICS = ("psnr_fg", "sharpness")  # of the preview's pictures


def train(
    dataset: Path | str,
    out: Path | str,
    *,
    character: str | None = None,  # of the dataset's; None: its only one
    preset: str = DEFAULT,
    minutes: float | None = None,  # None: the preset's
    steps: int | None = None,  # instead of minutes: exactly so many, which makes the result a function of the data and the seed
    seed: int = 0,
    method: str = OURS,  # or a baseline (training/baselines), which has a network of its own and of the preset takes batch and minutes
    measured: bool = True,  # in the end on the held-out clips
    sets_aside: bool = False,  # where `out` holds another training's model, that is renamed, instead of refused
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Train on the dataset's training clips of one character, then, unless told not to, measure on the held-out ones. `out` becomes a
    model folder (docs/architecture.md).

    Time spent counts over all runs: a second call with the same budget returns at once, with a larger one goes on. Raises UserError,
    also when the training diverges (the last good checkpoint stays), and Cancelled after saving. Returns {"steps", "images",
    "seconds", "rows"}.
    """
    out, settings = Path(out), checked(preset, method, minutes, steps)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the model.")
    data = open_character(dataset, character)
    if not data.by_split["train"]:
        raise UserError(f"{dataset} holds no training pictures of {data.character}; run the command that made it again to finish it.")
    identity = {"method": method, "preset": preset, "seed": seed, "dataset": hashlib.sha256((data.path / HEADER).read_bytes()).hexdigest()}
    identity["character"] = data.character
    try:
        info = _begun(out, identity)
    except OtherModel as error:
        if not sets_aside:
            raise UserError(f"{error}; choose another folder, or keep it under another name with --set-aside.") from error
        report.warning(f"{error}; it is kept as {set_aside(out).name}, and this training begins anew.")
        info = None
    budget = _Budget(steps, (settings.minutes if minutes is None else minutes) * 60, info)
    if budget.spent() < 1 or not (out / MODEL).exists():
        out.mkdir(parents=True, exist_ok=True)
        with joined() as world:
            _train(data, out, settings, identity, budget, report if world.rank == 0 else SILENT, world)
        if world.rank:
            return {"steps": budget.steps, "images": budget.steps * settings.batch, "seconds": round(budget.seconds, 1), "rows": {}}
        (out / REPORT).unlink(missing_ok=True)  # it tells of an earlier model
    if measured and not (out / REPORT).exists() and data.by_split["test"]:
        evaluate(out, dataset, out, report=report)
    rows = json.loads((out / REPORT).read_text("utf-8"))["rows"] if (out / REPORT).exists() else {}
    return {"steps": budget.steps, "images": budget.steps * settings.batch, "seconds": round(budget.seconds, 1), "rows": rows}


class OtherModel(UserError):
    """The folder holds a model that cannot be gone on with: of another training, or of an older version."""


def _begun(out: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What the state of the training in `out` says; None where none was begun. Raises OtherModel; UserError for what is damaged."""
    info = read_state_info(out)
    if info is None and (out / CONFIG).exists():
        raise OtherModel(f"{out} holds a model without the state that resuming needs")
    # States that do not name their character are of datasets that had one.
    if info is not None and any(({"character": identity["character"]} | info).get(key) != value for key, value in identity.items()):
        raise OtherModel(f"{out} holds a model of another dataset, character, method, preset or seed")
    if (out / CONFIG).exists():
        try:
            load_config(out)
        except Outdated as error:
            raise OtherModel(f"{out} holds a model of another version of the skeleton rasteriser or of Ningyo") from error
    return info


def checked(preset: str, method: str, minutes: float | None, steps: int | None) -> Preset:
    """The preset of that name. Raises UserError where there is none, or no such method, or no time to train."""
    settings = preset_named(preset)
    method_named(method)
    if (minutes is not None and not minutes > 0) or (steps is not None and steps <= 0):
        raise UserError("The training time must be more than 0 minutes.")
    return settings


class _Budget:
    """How much of the training is over, counted in steps if their number was given, else in seconds of this run and those before."""

    def __init__(self, total_steps: int | None, total_seconds: float, info: dict[str, Any] | None) -> None:
        self.total_steps, self.total_seconds = total_steps, total_seconds
        self.steps: int = info["steps"] if info else 0
        self._before: float = info["seconds"] if info else 0.0
        self._since: float | None = None
        self.told = self.seconds / total_seconds  # what all processes agree on

    def start(self) -> None:
        self._since = time.monotonic()

    def stop(self) -> None:
        self._before, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        return self._before + (time.monotonic() - self._since if self._since is not None else 0.0)

    def spent(self) -> float:
        return self.steps / self.total_steps if self.total_steps is not None else self.seconds / self.total_seconds

    def progress_at(self, step: int) -> float:
        """The share of the training that is over when `step` steps are: known beforehand if their number was given, else what was
        told last.
        """
        return step / self.total_steps if self.total_steps is not None else self.told

    def say(self, report: Reporter, note: str) -> None:
        if self.total_steps is not None:
            report.progress(self.steps, self.total_steps, "steps", note)
        else:
            report.progress(round(min(self.seconds, self.total_seconds), 1), self.total_seconds, "seconds", note)


def _train(
    data: Dataset, out: Path, preset: Preset, identity: dict[str, Any], budget: _Budget, report: Reporter, world: World
) -> None:  # fmt: skip
    if preset.batch % world.size:
        raise UserError(f"A batch of {preset.batch} pictures cannot be shared by {world.size} processes; start a number that divides it.")
    device = best_device()
    mixed = mixed_precision_pays(device)
    trainee = learner(identity["method"], preset, data.size[0], device, mixed=mixed, seed=identity["seed"], world=world)
    if budget.steps:
        load_state(out, trainee)
    ours, test = identity["method"] == OURS, HeldOut(data)
    # Kept conditioning is 14 of 18 bytes a pixel, too much of the large datasets that GPUs are for; with noise it is new every time.
    on_the_fly = ours and (device.type == "cuda" or preset.noise > 0)
    pairs = Pairs(data, "train", out, trainee.drawing, on_the_fly=on_the_fly)
    sampler = Sampler(
        pairs, preset, identity["seed"], budget.progress_at, start=budget.steps, windows=trainee.windows, world=world
    )  # fmt: skip
    config = {
        "method": identity["method"],
        "preset": identity["preset"],
        "network": trainee.network,
        "conditioning": trainee.drawing.name,
        "size": pairs.size,
        "rasteriser": trainee.drawing.version,
        "character": pairs.character,
    }
    filmed = filmed_target(data)
    if filmed is not None:
        config[FILMED] = filmed.to_json()
    # Only the first process writes.
    shows = world.rank == 0
    record = Record(out, budget.steps) if shows else None
    if shows and filmed is None:
        shutil.copyfile(data.rig_path(pairs.character), out / RIG)

    def save() -> None:
        if record is None:
            return
        save_state(out, trainee, identity | {"seconds": budget.seconds})
        spent = {"images": budget.steps * preset.batch, "seconds": round(budget.seconds, 1), "mixed": mixed, "processes": world.size}
        spent |= {"pairs_of_frames": len(pairs.following), "settings": asdict(preset)}
        save_model(out, trainee.model, config | {"training": identity | spent})
        report.artefact("checkpoint", out / MODEL)
        if len(test):
            run = runner(trainee.model.eval(), trainee.drawing)
            drawn = {i: run(test.packed(i, trainee.drawing), test.head(i)) for i in spread(len(test), PREVIEW_COLUMNS)}
            save_grid(out / PREVIEW, data, test, drawn.__getitem__, PREVIEW_COLUMNS)
            record.show(budget.steps, budget.seconds, _measured(drawn, test), report)

    # Other numbers of threads add in another order: where the result is to be exact, it is always the same one.
    threads = Threads(most=None if device.type == "cpu" and budget.total_steps is None else 1)
    watch = Watch()
    budget.start()
    due = time.monotonic() + min(FIRST_CHECKPOINT_SECONDS, CHECKPOINT_SECONDS)
    try:
        while (progress := world.first(budget.spent())) < 1:
            budget.told = progress
            batch = next(sampler)
            values = threads.run(partial(trainee.step, batch, progress))
            numbers = dict(zip(values, torch.stack([value.float() for value in values.values()]).tolist(), strict=True))
            if watch.lost(numbers):
                left = _what_is_left(out)
                raise UserError(f"The training diverged at step {budget.steps}; {left}, train again into another folder with another seed.")
            budget.steps = trainee.steps
            if record is not None:
                record.add(numbers)
                if budget.steps % STATS_STEPS == 0:
                    lr = trainee.optimisers["opt_G"].param_groups[0]["lr"]
                    record.write(budget.steps, budget.steps * preset.batch, budget.seconds, lr, report)
            if time.monotonic() > due:
                save()
                due = time.monotonic() + CHECKPOINT_SECONDS
            budget.say(report, f"{budget.steps * preset.batch} pictures")
        budget.stop()
        save()
    except (Cancelled, UserError) as stopped:
        if world.rank == 0:
            world.first(math.inf)  # the others wait to hear of the next step
        budget.stop()
        if isinstance(stopped, Cancelled):
            save()
        raise
    finally:
        threads.close()
        sampler.close()
        if record is not None:
            record.close()


def _measured(drawn: dict[int, torch.Tensor], test: HeldOut) -> dict[str, float]:
    """Means over the pictures of held-out samples `drawn` of those numbers that are known of any."""
    rows = [still_metrics(image, test.truth(i), test.head(i), test.figure(i)) for i, image in drawn.items()]
    values = {name: [row[name] for row in rows if math.isfinite(row[name])] for name in SHOWN_METRICS}
    return {name: sum(known) / len(known) for name, known in values.items() if known}


def _what_is_left(out: Path) -> str:
    return f"the model in {out} is the last good one" if (out / MODEL).exists() else "no model was saved"
