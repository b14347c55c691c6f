# SPDX-License-Identifier: GPL-3.0-or-later
"""Further looks at bodies that are known: their regions shown to the landmark model mirrored, and turned.

The network has no state, and what it gets wrong (a few px everywhere; left for right where limbs cross) depends on how a body lies in its
region. The looks are placed by the repaired and filtered track, which knows the motion before and after. Which three are taken was chosen
on rendered clips with exact joints (benchmarks/fusion.py): of two looks that are turned one is mirrored, so that the body is turned the
same way in both, and what the network makes of a body that leans falls out of the mean.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..video.read import Frame
from .bodies import CORE, TRUNK, Body, BodyModel
from .crops import body_region


@dataclass(frozen=True)
class Look:
    """How a body's region is shown: `mirrored`, after it was turned clockwise by `turn` radians."""

    mirrored: bool = False
    turn: float = 0.0


LOOKS = (Look(mirrored=True), Look(turn=np.radians(12)), Look(mirrored=True, turn=np.radians(-12)))

# What is seen is somebody else if its trunk is so far from the known one's (in body sizes), or it is so much larger or smaller.
FARTHEST, SIZES = 0.25, (0.6, 1.7)


class LookAgain:
    """The looks at any number of people, frame after frame, on `threads` threads. The result does not depend on their number.

    `models` is a folder of the user's (see models.py).
    """

    def __init__(self, models: Path | None = None, threads: int = 2) -> None:
        self._models = [BodyModel(models) for _ in range(threads)]
        self._free: SimpleQueue[BodyModel] = SimpleQueue()
        for model in self._models:
            self._free.put(model)
        self._pool = ThreadPoolExecutor(threads)

    def run(self, frames: Iterable[tuple[Frame, Mapping[int, NDArray[Any]]]]) -> Generator[dict[int, list[Body | None]], None, None]:
        """Of frame after frame the LOOKS at everybody whose body (33, 3) px is known, by id; None where a look shows nobody, or somebody
        else. Two frames are in work, so that no thread waits."""
        waiting: dict[int, list[Future[Body | None]]] | None = None
        for frame, bodies in frames:
            started = {
                person: [self._pool.submit(self._look, frame.rgb, known, look) for look in LOOKS] for person, known in bodies.items()
            }
            if waiting is not None:
                yield _results(waiting)
            waiting = started
        if waiting is not None:
            yield _results(waiting)

    def _look(self, rgb: NDArray[Any], known: NDArray[Any], look: Look) -> Body | None:
        model = self._free.get()
        try:
            region = body_region(known)
            region = replace(region, up=region.up + look.turn)
            seen = model.look_mirrored(rgb, region) if look.mirrored else model.look(rgb, region)
        finally:
            self._free.put(model)
        return seen if seen is not None and _is_of(seen, known) else None

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for model in self._models:
            model.close()


def _results(started: Mapping[int, list[Future[Body | None]]]) -> dict[int, list[Body | None]]:
    return {person: [future.result() for future in futures] for person, futures in started.items()}


def _is_of(seen: Body, known: NDArray[Any]) -> bool:
    """Whether a body can be the one known (33, 3) px."""
    size = float(np.ptp(known[CORE, :2], axis=0).max())
    apart = np.linalg.norm((seen.image[TRUNK, :2] - known[TRUNK, :2]).mean(axis=0))
    return bool(seen.presence[CORE].mean() > 0.5 and apart < FARTHEST * size and SIZES[0] < seen.size / size < SIZES[1])
