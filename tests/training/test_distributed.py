# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Two processes that share a training do what one does with the same batches."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ningyo.training.checkpoint import STATE
from safetensors.torch import load_file

from .conftest import make_dataset

# Adam's epsilon-sized gradients make noise of rounding errors; few steps with all losses are enough to see a wrong share or mean.
SCRIPT = """
import sys
import torch
from ningyo.training import loop, presets
torch.set_num_threads(1)
torch.cpu._is_amx_tile_supported = lambda: False
loop.STATS_STEPS = 1
presets.PRESETS["both"] = presets.Preset(
    (8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=0.1, refiner=8, lr=1e-3,
    windows_until=0.5, refine_from=0.0, warm_up=0.0, r1_every=2, pairs_every=2)
print(loop.train(sys.argv[1], sys.argv[2], preset="both", steps=6)["steps"])
"""


def run(dataset: Path, out: Path, processes: int) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(dataset), str(out)],
            env={**os.environ, **address, "RANK": str(rank), "LOCAL_RANK": str(rank)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for rank in range(processes)
    ]  # fmt: skip
    for worker in workers:
        said, errors = worker.communicate(timeout=180)
        assert worker.returncode == 0, errors.decode()
        assert said.split()[-1] == b"6"


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch without gloo")
def test_two_processes_equal_one(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", size=128, train=8, test=1, stride=1)
    for processes in (1, 2):
        run(dataset, tmp_path / str(processes), processes)
    one, two = ([json.loads(line) for line in (tmp_path / name / "stats.jsonl").read_text().splitlines()] for name in "12")
    assert len(one) == len(two) == 6
    for a, b in zip(one, two, strict=True):
        # Means over the processes, not one's own.
        for name in ("d_right", "d_right_head", "d_right_pair"):
            assert a.get(name) == pytest.approx(b.get(name), abs=0.03)
    ours, theirs = (load_file(tmp_path / name / STATE) for name in "12")
    import ningyo.training.presets as presets
    from ningyo.training.methods import learner

    preset = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=0.1, refiner=8)
    start = learner("ours", preset, 128, torch.device("cpu"), mixed=False, seed=0).modules
    for network in ("G", "D"):
        moved = difference = 0.0
        for name, value in start[network].state_dict().items():
            if value.is_floating_point():
                moved += float((ours[f"{network}.{name}"] - value).square().sum())
                difference += float((ours[f"{network}.{name}"] - theirs[f"{network}.{name}"]).square().sum())
        assert moved > 0
        assert difference < 0.05**2 * moved, (network, (difference / moved) ** 0.5)
