# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's Tasks API, as little of it as is needed."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .models import bundle, load_mediapipe
from .region_model import with_given_region


class Landmarker:
    """One of MediaPipe's landmarkers with the clock that its video mode wants: whole milliseconds that rise.

    `kind` is "pose", "hand" or "face"; `given_region` (pose alone): the picture is the region of one person, nobody is searched for.
    `models` is a folder of the user's (see models.py).
    """

    def __init__(self, kind: str, video: bool, *, given_region: bool = False, models: Path | None = None, **options: Any) -> None:
        mediapipe = load_mediapipe()
        tasks = mediapipe.tasks
        name = kind.capitalize() + "Landmarker"
        mode = tasks.vision.RunningMode.VIDEO if video else tasks.vision.RunningMode.IMAGE
        base = tasks.BaseOptions(model_asset_buffer=assets(kind, models, given_region))
        options_class = getattr(tasks.vision, name + "Options")
        self._landmarker = getattr(tasks.vision, name).create_from_options(options_class(base_options=base, running_mode=mode, **options))
        self._image, self._srgb = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._video = video
        self._last = -1

    def __call__(self, rgb: NDArray[Any], time: float) -> Any:
        image = self._image(image_format=self._srgb, data=rgb)
        if not self._video:
            return self._landmarker.detect(image)
        self._last = max(round(time * 1000), self._last + 1)
        return self._landmarker.detect_for_video(image, self._last)

    def close(self) -> None:
        self._landmarker.close()


@functools.lru_cache(maxsize=4)
def assets(kind: str, models: Path | None, given_region: bool = False) -> bytes:
    """The bundle, as `models.bundle`; kept, since putting it together takes longer than loading it and each thread has its own network."""
    return with_given_region(assets(kind, models)) if given_region else bundle(kind, models)


def points(landmarks: Any) -> NDArray[Any]:
    return np.array([(point.x, point.y, point.z) for point in landmarks], np.float64)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the C++ library's notes off standard error while models are loaded and first used; shows them if that fails.

    They are written to the file descriptor, past Python, and no setting turns them off.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            notes.seek(0)
            with os.fdopen(os.dup(2), "wb") as stderr:
                shutil.copyfileobj(notes, stderr)
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
