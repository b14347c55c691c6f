# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""An interrupted training goes on as if nothing had happened: to the bit, with all that has a state switched on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import Cancelled
from ningyo.jobs.progress import Reporter
from ningyo.training import presets, step
from ningyo.training.checkpoint import STATE
from ningyo.training.loop import train
from safetensors.torch import load_file

# Windows until the 4th step, then whole pictures; pairs of frames every second step; refiner and discriminators from the 3rd on.
FULL = presets.Preset(
    (8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, refiner=8,
    windows_until=0.3, refine_from=0.2, warm_up=0.2, r1_every=2, pairs_every=2,
)  # fmt: skip
STEPS = 12
SCRIPT = f"""
import sys
import torch
from ningyo.training import loop, presets
from ningyo.training.presets import Preset, Weights
torch.set_num_threads(1)
torch.cpu._is_amx_tile_supported = lambda: False
loop.CHECKPOINT_SECONDS = 0.0
presets.PRESETS["full"] = {FULL!r}
loop.train(sys.argv[1], sys.argv[2], preset="full", steps={STEPS})
"""


@pytest.fixture(autouse=True)
def full_preset(monkeypatch: pytest.MonkeyPatch, small_baselines: None) -> None:
    monkeypatch.setitem(presets.PRESETS, "full", FULL)
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.fixture(scope="module")
def moving_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training frames that follow each other."""
    from .conftest import make_dataset

    return make_dataset(tmp_path_factory.mktemp("moving") / "dataset", size=128, train=6, test=2, stride=1)


def cancel_after(steps: int) -> Reporter:
    seen = 0

    def is_cancelled() -> bool:
        nonlocal seen
        seen += 1
        return seen > steps

    return Reporter(is_cancelled=is_cancelled)


def assert_equal(a: Path, b: Path) -> None:
    ours, theirs = (load_file(path / STATE) for path in (a, b))
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name
    assert (a / "model.safetensors").read_bytes() == (b / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("method", "interrupted", "noise"), [("ours", (1, 5), 0.0), ("ours", (8,), 0.0), ("ours", (2, 4), 1.0), ("pix2pix", (3,), 0.0)]
)
def test_cancelled_and_uninterrupted_runs_end_with_equal_weights(
    moving_dataset: Path, tmp_path: Path, method: str, interrupted: tuple[int, ...], noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(presets.PRESETS, "full", replace(FULL, noise=noise))
    train(moving_dataset, tmp_path / "whole", preset="full", steps=STEPS, method=method)
    for steps in interrupted:
        with pytest.raises(Cancelled):
            train(moving_dataset, tmp_path / "parts", preset="full", steps=STEPS, method=method, report=cancel_after(steps))
    assert json.loads((tmp_path / "parts" / "config.json").read_text())["training"]["images"] == 2 * (sum(interrupted) + len(interrupted))
    train(moving_dataset, tmp_path / "parts", preset="full", steps=STEPS, method=method)
    assert_equal(tmp_path / "whole", tmp_path / "parts")
    # It was a training of everything that has a state.
    if method == "ours":
        state = load_file(tmp_path / "whole" / STATE)
        assert any(name.startswith("G.refiner") for name in state)
        names = [name for name, _ in step.Trainer(FULL, 128, torch.device("cpu"), mixed=False).D.named_parameters()]
        learnt = {names[int(name.split(".")[1])].split(".")[0] for name in state if name.startswith("opt_D.")}
        assert learnt == {"whole", "head", "pair"}


def test_a_killed_run_ends_with_equal_weights(moving_dataset: Path, tmp_path: Path) -> None:
    train(moving_dataset, tmp_path / "whole", preset="full", steps=STEPS)
    worker = subprocess.Popen([sys.executable, "-c", SCRIPT, str(moving_dataset), str(tmp_path / "parts")], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while images_of(tmp_path / "parts") < 10 and time.monotonic() < deadline:
            assert worker.poll() is None, worker.stderr.read().decode() if worker.stderr else ""
            time.sleep(0.002)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    assert 10 <= images_of(tmp_path / "parts") < 2 * STEPS
    train(moving_dataset, tmp_path / "parts", preset="full", steps=STEPS)
    assert_equal(tmp_path / "whole", tmp_path / "parts")


def images_of(model: Path) -> int:
    try:
        return json.loads((model / "config.json").read_text())["training"]["images"]
    except FileNotFoundError:
        return 0
