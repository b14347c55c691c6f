# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on's timer costs Blender while jobs run and say nothing new, and what drawing asks of the disk.

    .venv/bin/python benchmarks/addon_tick.py [--jobs 1 4] [--ticks 2000] [--events 1000]

Prints JSON, milliseconds: "tick" is one look at so many running jobs, each with so many events behind it and its lock held; "queued"
the same with as many more that wait for them; "statuses" is how far all stages of a path are, looked up anew
(panels do so at most twice a second). The median and the slowest of a hundred.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import ningyo
from ningyo.addon import jobs
from ningyo.addon.plan import all_statuses
from ningyo.addon.properties import plan_of
from ningyo.jobs.folder import JobView, WorkerJob, request_job


def running(folder: Path, events: int) -> tuple[jobs.Job, WorkerJob]:
    """A job as the add-on knows it, and its worker, which holds the lock and says nothing more."""
    request_job(folder, "train", [])
    worker = WorkerJob(folder, "train", [])
    for done in range(events):
        worker.sink({"time": 0.0, "type": "progress", "done": done, "total": events, "unit": "steps", "rate": 1.0, "seconds_left": 1.0})
    job = jobs.Job(folder, JobView(folder), [])
    job.poll()
    return job, worker


def measured(act: Callable[[], Any], times: int) -> dict[str, float]:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - start))
    spent.sort()
    return {"median": round(statistics.median(spent), 4), "slowest of 100": round(spent[int(0.99 * times)], 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--ticks", type=int, default=2000)
    parser.add_argument("--events", type=int, default=1000)
    args = parser.parse_args()
    found: dict[str, Any] = {"blender": bpy.app.version_string, "python": sys.version.split()[0], "events": args.events, "jobs": {}}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        jobs.home = lambda: Path(place)
        ningyo.register()
        scene: Any = bpy.context.scene
        scene.ningyo.output = place
        for many in args.jobs:
            pairs = [running(Path(place) / f"{many}-{number}", args.events) for number in range(many)]
            jobs.JOBS[:] = [job for job, _ in pairs]
            entry = {"tick": measured(jobs.tick, args.ticks)}
            for job, _ in pairs:
                folder = job.folder.with_name(f"{job.folder.name}-waiting")
                request_job(folder, "generate", [])
                jobs.JOBS.append(jobs.Job(folder, JobView(folder), [], {"after": str(job.folder), "waits_for": "train"}))
            entry["queued"] = measured(jobs.tick, args.ticks)
            plan = plan_of(bpy.context)
            entry["statuses"] = measured(lambda plan=plan: all_statuses(plan, jobs.JOBS), args.ticks)
            found["jobs"][many] = entry
            for _, worker in pairs:
                worker.close()
        jobs.JOBS.clear()
        ningyo.unregister()
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
