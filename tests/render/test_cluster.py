# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering on a local Ray cluster, of which a member is killed."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.render.batch import render_dataset
from ningyo.synth_data.render.job import RenderJob

pytest.importorskip("bpy")
pytest.importorskip("ray", reason="Ray is an extra (pip install 'ningyo[cluster]')")


def test_a_killed_member_is_replaced_and_the_bytes_are_the_same(actor, tmp_path, digest):
    from ningyo.synth_data.render.cluster import LOCAL, Cluster

    job = RenderJob.from_flags(str(actor[0]), [actor[1]], size=48, count=24)
    killed: list[int] = []

    def kill_one(event) -> None:
        if event["type"] == "progress" and event["done"] == 5 and not killed:
            found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
            members = [int(line.split()[0]) for line in found.splitlines() if "ray::Member" in line]
            assert len(members) == 3
            os.kill(members[0], signal.SIGKILL)
            killed.append(members[0])

    render_dataset(job, tmp_path / "cluster", crew=lambda out, _: Cluster(out, 3, LOCAL), report=Reporter(kill_one))
    assert killed
    render_dataset(job, tmp_path / "alone", workers=1)
    assert digest(tmp_path / "cluster") == digest(tmp_path / "alone")


def test_no_cluster_is_said_in_a_sentence(actor, tmp_path):
    from ningyo.synth_data.render.cluster import Cluster

    job = RenderJob.from_flags(str(actor[0]), [actor[1]], size=48, count=2)
    with pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:1 "):
        render_dataset(job, tmp_path / "data", crew=lambda out, size: Cluster(out, size, "127.0.0.1:1"))
