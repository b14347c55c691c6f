# SPDX-License-Identifier: GPL-3.0-or-later
"""A crew on a Ray cluster: members on whatever machines Ray has, all of which see the dataset's folder and have Ningyo installed."""

from __future__ import annotations

import os
import socket
from collections import deque
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from ...errors import UserError
from ...jobs.progress import Reporter
from .crew import Event

LOCAL = "local"  # an "address": a cluster of this machine alone, for as long as it is needed


def connect(address: str, cpus: int | None) -> None:
    """Make this process a driver on the cluster at `address` ("auto": the one this machine is part of); a LOCAL one has so many `cpus`
    (None: as many as there are). Raises UserError when there is no cluster there.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False, "configure_logging": False}
    try:
        _look_for(address)
        ray.init(address=None if address == LOCAL else address, **({"num_cpus": cpus} if address == LOCAL else {}), **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        way_out = "start one with `ray start --head`, or say --ray local"
        raise UserError(f"There is no Ray cluster at {address} ({reason}); {way_out}.") from error


class Cluster:
    """`size` members (None: as many as the cluster has CPUs) on the cluster at `address`. Raises UserError as `connect`."""

    ahead = 2

    def __init__(self, out: Path, size: int | None, address: str) -> None:
        connect(address, size)
        self.size = size or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._out = str(out.absolute())
        self._members = [self._started() for _ in range(self.size)]
        self._at_work: dict[ray.ObjectRef, int] = {}
        self._told: deque[tuple[int, Event]] = deque()

    def _started(self) -> Any:
        return ray.remote(num_cpus=1, max_restarts=0)(Member).remote(self._out)

    def give(self, member: int, number: int) -> None:
        self._at_work[self._members[member].make.remote(number)] = member

    def next_event(self) -> tuple[int, Event]:
        while not self._told:
            ready, _ = ray.wait(list(self._at_work), num_returns=1, timeout=0.5)  # not for ever, which lets a signal in
            for task in ready:
                member = self._at_work.pop(task)
                try:
                    self._told.extend((member, event) for event in ray.get(task))
                except ray.exceptions.RayError:  # the member, or its machine, is gone, and what else it had
                    self._at_work = {task: other for task, other in self._at_work.items() if other != member}
                    self._told.append((member, {"lost": True}))
        return self._told.popleft()

    def replace(self, member: int) -> None:
        self._members[member] = self._started()

    def close(self) -> None:
        ray.shutdown()


def _look_for(address: str) -> None:
    """Raise OSError when nobody listens at HOST:PORT, which Ray itself would find out in some minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host, int(port)), timeout=5).close()


class Member:
    """A process of Ray's that renders samples of the dataset in `out`."""

    def __init__(self, out: str) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender prints forty lines a picture
        self._out = Path(out)
        self._warnings: list[Event] = []
        self._renderer: Any = None

    def make(self, number: int) -> list[Event]:
        """The warnings there were, and what came of the sample."""
        from .renderer import Renderer, answer

        if self._renderer is None:
            try:
                self._renderer = Renderer(self._out, 1, Reporter(self._keep))
            except UserError as error:
                return [{"failed": str(error), "errno": None}]
        told = answer(self._renderer, number)
        warnings, self._warnings = self._warnings, []
        return [*warnings, told]

    def _keep(self, event: Event) -> None:
        if event["type"] == "warning":
            self._warnings.append({"warning": event["text"]})
