# SPDX-License-Identifier: GPL-3.0-or-later
"""A model for each of a dataset's characters: one after the other here, or at once on a Ray cluster (`cluster.py`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError, listed
from ..jobs.progress import SILENT, Event, Reporter
from ..synth_data.dataset.folder import safe_name
from .checkpoint import CONFIG
from .data import open_dataset
from .loop import checked, train
from .methods import OURS
from .presets import DEFAULT

Outcome = dict[str, Any] | UserError  # what `train` returned, or why it did not
Tell = Callable[[str, Event], None]


def train_characters(
    dataset: Path | str,
    out: Path | str,
    *,
    characters: Sequence[str] = (),  # of the dataset's; none: all
    ray: str | None = None,  # a Ray cluster's address (`synth_data.render.cluster.connect`); None: here, one after the other
    preset: str = DEFAULT,
    minutes: float | None = None,  # for each; None: the preset's
    steps: int | None = None,  # for each, instead of minutes
    seed: int = 0,
    method: str = OURS,
    sets_aside: bool = False,
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Train on each of the characters as `train` does. One becomes the model folder `out`, several become `out`/NAME each.

    Run again, what is finished is skipped and the others go on. Raises UserError, for what one character lacks after all others are
    trained, and Cancelled after saving. Returns what `train` does, of several {"models": {name: that}}.
    """
    out, given = Path(out), {"preset": preset, "minutes": minutes, "steps": steps, "seed": seed, "method": method}
    given["sets_aside"] = sets_aside
    settings = checked(preset, method, minutes, steps)
    data = open_dataset(dataset)
    names = [data.of(name).character for name in dict.fromkeys(characters)] or data.characters
    if len(names) == 1 and ray is None:
        result = train(dataset, out, character=names[0], **given, report=report)
        report.artefact("model", out)
        return result
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            "torchrun shares out the training of one character; choose it with --character, or leave torchrun out and say --ray."
        )
    if len(names) > 1 and (out / CONFIG).exists():
        raise UserError(f"{out} is a model, and {len(names)} characters become a folder each in it; choose another folder with --out.")
    folders = {name: out if len(names) == 1 else out / safe_name(name) for name in names}
    jobs = {name: {"dataset": dataset, "out": folders[name], "character": name, **given} for name in names}
    each = (settings.minutes if minutes is None else minutes) * 60
    shares = _Shares(names, *((each, "seconds") if steps is None else (steps, "steps")), report)
    results: dict[str, Any] = {}
    refused: dict[str, UserError] = {}
    for name, outcome in _one_by_one(jobs, shares.tell, report) if ray is None else _at_once(ray, jobs, shares.tell, report):
        shares.finish(name)
        if isinstance(outcome, UserError):
            refused[name] = outcome
            report.warning(f"{name} is left out: {outcome}")
        else:
            results[name] = outcome
            report.artefact("model", folders[name])
    if refused:
        reason = next(iter(refused.values()))
        others = "The others are done; mend" if results else "Mend"
        raise UserError(
            f"{len(refused)} of {len(names)} characters could not be trained: {listed(list(refused), 5)} ({reason}) {others} what is wrong "
            "and run the same command again."
        )
    return {"models": results}


class _Shares:
    """Progress of all, from what each says: a training is `each` units, measuring none."""

    def __init__(self, names: Sequence[str], each: float, unit: str, report: Reporter) -> None:
        self._done = dict.fromkeys(names, 0.0)
        self._each, self._unit, self._report = each, unit, report

    def tell(self, name: str, event: Event) -> None:
        """Pass on an event of one. Raises Cancelled as `Reporter.progress`."""
        fields = {key: value for key, value in event.items() if key not in ("time", "type")}
        if event["type"] != "progress":
            text = {"text": f"{name}: {fields['text']}"} if "text" in fields else {}
            self._report.emit(event["type"], **(fields | text))
            return
        self._done[name] = min(event["done"], self._each) if event["unit"] == self._unit else self._each
        finished = sum(done >= self._each for done in self._done.values())
        note = f"{name}: {event['note']}, {finished} of {len(self._done)} characters are trained"
        self._report.progress(round(sum(self._done.values()), 1), self._each * len(self._done), self._unit, note)

    def finish(self, name: str) -> None:
        """No more comes of that one, trained or not."""
        self._done[name] = self._each


def _one_by_one(jobs: dict[str, dict[str, Any]], tell: Tell, report: Reporter) -> Iterator[tuple[str, Outcome]]:
    for place, (name, job) in enumerate(jobs.items(), 1):
        report.check()
        report.stage(f"train {name} ({place} of {len(jobs)})")
        try:
            yield name, train(**job, report=Reporter(lambda event, name=name: tell(name, event)))
        except UserError as error:
            yield name, error


def _at_once(address: str, jobs: dict[str, dict[str, Any]], tell: Tell, report: Reporter) -> Iterable[tuple[str, Outcome]]:
    try:
        from .cluster import train_at_once
    except ModuleNotFoundError as error:
        raise UserError("This Python has no Ray; install it with pip install 'ningyo[cluster]', or leave --ray out.") from error
    report.stage(f"train {len(jobs)} on Ray")
    return train_at_once(address, jobs, tell, report)
