# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample clip, and movies made from its frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"


@pytest.fixture(scope="session")
def actor() -> Path:
    pytest.importorskip("mediapipe")
    return ACTOR


@pytest.fixture(scope="session")
def actor_frames(actor: Path) -> list[np.ndarray]:
    """The first 30 frames, RGB."""
    from ningyo.synth_data.video.read import read_frames

    return [frame.rgb for frame in read_frames(actor, end=1.2)]


@pytest.fixture
def movie_of(tmp_path: Path) -> Callable[[str, list[np.ndarray]], Path]:
    from ningyo.synth_data.video.write import MovieWriter

    def write(name: str, pictures: list[np.ndarray]) -> Path:
        height, width = pictures[0].shape[:2]
        with MovieWriter(tmp_path / name, 25, (width, height)) as movie:
            for rgb in pictures:
                movie.write(rgb)
        return tmp_path / name

    return write
