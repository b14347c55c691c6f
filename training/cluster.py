# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings of several characters at once on a Ray cluster, whose machines all see the dataset's and the models' folders and have Ningyo
installed. Each is one task; what happens in it comes to whoever started it through an actor, the post.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..errors import Cancelled, UserError
from ..jobs.progress import Event, Reporter
from ..synth_data.render.cluster import connect

_LOOK = 0.5  # seconds between looking what is new, and between what a task says
_TRIES = 3  # of a training whose process, or its machine, is lost
_SAVING = 120.0  # seconds that trainings have to save themselves in

Answer = dict[str, Any]  # {"done": what `train` returned}, {"failed": a sentence} or {"cancelled": True}


def train_at_once(
    address: str, jobs: dict[str, dict[str, Any]], tell: Callable[[str, Event], None], report: Reporter
) -> Iterator[tuple[str, dict[str, Any] | UserError]]:
    """Train all of `jobs`, name → arguments for `train`, on the cluster at `address`, and say of each what came of it, as soon as it is
    known. Events go to `tell(name, event)`. Raises UserError when there is no cluster, and Cancelled after all have saved.
    """
    connect(address, None)
    try:
        yield from _Trainings(jobs).run(tell, report)
    finally:
        ray.shutdown()


class _Trainings:
    def __init__(self, jobs: dict[str, dict[str, Any]]) -> None:
        # Beside the driver, so that no machine but the driver's own can take it along.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._post: Any = ray.remote(Post).options(num_cpus=0, scheduling_strategy=here).remote()
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = sum(int(node.get("GPU", 0)) for node in nodes)
        cores = cores_each([(int(node.get("CPU", 0)), int(node.get("GPU", 0)) if gpus else None) for node in nodes], len(jobs))
        self._task: Any = ray.remote(_train).options(num_cpus=cores, num_gpus=1 if gpus else 0, max_retries=0)
        self._jobs = {name: job | {key: str(Path(job[key]).absolute()) for key in ("dataset", "out")} for name, job in jobs.items()}
        self._cores = cores
        self._tries = dict.fromkeys(jobs, 0)
        self._at_work: dict[ray.ObjectRef, str] = {}
        for name in jobs:
            self._start(name)

    def _start(self, name: str) -> None:
        self._tries[name] += 1
        self._at_work[self._task.remote(self._post, name, self._jobs[name], self._cores)] = name

    def run(self, tell: Callable[[str, Event], None], report: Reporter) -> Iterator[tuple[str, dict[str, Any] | UserError]]:
        until = math.inf  # this moment, where it was cancelled
        while self._at_work and time.monotonic() < until:
            ready, _ = ray.wait(list(self._at_work), num_returns=1, timeout=_LOOK)
            try:
                report.check()
                for name, event in ray.get(self._post.take.remote()):
                    tell(name, event)
            except Cancelled:
                if until == math.inf:
                    ray.get(self._post.cancel.remote())
                    until = time.monotonic() + _SAVING
            for task in ready:
                name = self._at_work.pop(task)
                answer = self._answer(task, name, report, may_start=until == math.inf)
                if "done" in answer:
                    yield name, answer["done"]
                elif "failed" in answer:
                    yield name, UserError(answer["failed"])
        if until != math.inf:
            raise Cancelled

    def _answer(self, task: ray.ObjectRef, name: str, report: Reporter, *, may_start: bool) -> Answer:
        """What a task came to; nothing where it is begun again."""
        try:
            return ray.get(task)
        except ray.exceptions.RayTaskError:  # of ours
            raise
        except ray.exceptions.RayError as error:
            if not may_start:
                return {"cancelled": True}
            if self._tries[name] < _TRIES:
                report.warning(f"The process that trained {name} was lost; another one goes on from its last checkpoint.")
                self._start(name)
                return {}
            reason = str(error).strip().splitlines()[0].rstrip(".")
            return {"failed": f"Its process was lost {_TRIES} times ({reason}); look at that machine, and run the same command again."}


def cores_each(nodes: list[tuple[int, int | None]], count: int) -> int:
    """How many cores each of `count` trainings gets, so that as many as can run at once and the most cores are used: at least 1. `nodes`
    are the machines' cores and GPUs; a training takes one GPU, or none where these are None.
    """

    def at_once(cores: int) -> int:
        return sum(min(cpus // cores, cpus if gpus is None else gpus) for cpus, gpus in nodes)

    wanted = min(count, at_once(1))
    return next((cores for cores in range(max((cpus for cpus, _ in nodes), default=1), 1, -1) if at_once(cores) >= wanted), 1)


class Post:
    """What trainings tell, and whether they shall stop."""

    def __init__(self) -> None:
        self._told: list[tuple[str, Event]] = []
        self._cancelled = False

    def tell(self, events: list[tuple[str, Event]]) -> bool:
        """Returns whether it was cancelled."""
        self._told += events
        return self._cancelled

    def take(self) -> list[tuple[str, Event]]:
        told, self._told = self._told, []
        return told

    def cancel(self) -> None:
        self._cancelled = True


def _train(post: Any, name: str, job: dict[str, Any], cores: int) -> Answer:
    """A task: one training, on so many cores."""
    if ray.get(post.tell.remote([])):  # before it began
        return {"cancelled": True}
    import torch

    from .loop import train

    torch.set_num_threads(cores)
    asked, cancelled = 0.0, False

    def sink(event: Event) -> None:
        nonlocal asked, cancelled
        # Every step says how far it is.
        if event["type"] != "progress" or time.monotonic() - asked > _LOOK:
            asked = time.monotonic()
            cancelled = bool(ray.get(post.tell.remote([(name, event)])))

    try:
        return {"done": train(**job, report=Reporter(sink, lambda: cancelled))}
    except Cancelled:
        return {"cancelled": True}
    except UserError as error:
        return {"failed": str(error)}
