# SPDX-License-Identifier: GPL-3.0-or-later
"""Video → PoseTrack: the main person's body, hands and face, frame by frame, in constant memory."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...jobs.folder import sha256_of
from ...jobs.progress import SILENT, Reporter
from ..pose.filters import bridge, gaps
from ..pose.rows import body_seen
from ..pose.spill import TrackSpill
from ..pose.track import PoseTrack
from ..pose.track_file import make_header, read_header
from ..video.read import Frame, VideoInfo, probe, read_frames
from .detect import Body, BodyDetector
from .landmarker import quiet_libraries
from .models import load_mediapipe
from .overlay import write_overlay
from .parts import Face, Hand, PartFinder, Parts

# Raised when the same video would give another track; a track of another version is not reused.
CAPTURE_VERSION = 2
BRIDGE_SECONDS = 0.5
# Fewer frames with a person than this are chance findings in a video without one.
LEAST_SHARE_SEEN = 0.02
DECODE_AHEAD = 8  # frames


def capture(
    videos: Sequence[Path | str],
    out: Path | str,
    *,
    start: float | None = None,
    end: float | None = None,
    overlay: Path | str | None = None,
    report: Reporter = SILENT,
) -> PoseTrack:
    """Track the main person of each video and write a pose track of each; returns the first.

    `out` is the .npz of one video; for several it is a folder, in which NAME.npz is written for NAME.mp4. `start` and `end` in seconds
    from the first frame. `overlay` (one video only) is an .mp4 to write with what was found drawn over the source. A track that exists
    already, of the same file with the same settings, is kept. UserError if a file cannot be read or shows nobody; nothing is written
    then.
    """
    tracks = capture_files(videos, out, start=start, end=end, overlay=overlay, report=report)
    return PoseTrack.load(tracks[0])


def capture_files(
    videos: Sequence[Path | str],
    out: Path | str,
    *,
    start: float | None = None,
    end: float | None = None,
    overlay: Path | str | None = None,
    report: Reporter = SILENT,
) -> list[Path]:
    """As `capture`, without loading what was written. Returns the tracks' paths."""
    if not videos:
        raise UserError("No video was given; name at least one.")
    if (start is not None and start < 0) or (end is not None and end <= (start or 0)):
        raise UserError("The range is empty: --end has to be later than --start, and --start not before 0.")
    if overlay is not None and len(videos) > 1:
        raise UserError("An overlay can be made of one video at a time; leave out --overlay or give one video.")
    tracks = _track_paths([Path(video) for video in videos], Path(out))
    for video, track in zip(videos, tracks, strict=True):
        _capture_one(Path(video), track, start, end, report)
        if overlay is not None:
            write_overlay(video, track, overlay, report=report)
            report.artefact("overlay", overlay)
    return tracks


def _track_paths(videos: list[Path], out: Path) -> list[Path]:
    folder = out.parent if len(videos) == 1 else out
    for above in (folder, *folder.parents):
        if above.exists() and not above.is_dir():
            raise UserError(f"{above} is a file, so nothing can be written into it; choose another --out.")
    if len(videos) == 1:
        if out.is_dir() or out.suffix != ".npz":
            raise UserError(f"{out} is not a file name that ends in .npz; for one video --out is the track's file, such as track.npz.")
        return [out]
    if out.suffix == ".npz":
        raise UserError(f"{out} is one file, and there are {len(videos)} videos; give a folder as --out.")
    tracks = [out / f"{video.stem}.npz" for video in videos]
    if len(set(tracks)) < len(tracks):
        raise UserError("Two of the videos have the same name, and their tracks would too; capture them into different folders.")
    return tracks


def _capture_one(video: Path, out: Path, start: float | None, end: float | None, report: Reporter) -> None:
    info = probe(video)
    sha256 = sha256_of(video)
    settings = {"version": CAPTURE_VERSION, "mediapipe": load_mediapipe().__version__, "start": start, "end": end, "people": "main"}
    if out.exists() and _is_of(out, sha256, settings):
        frames = read_header(out)["video"]["frame_count"]
        report.progress(frames, frames, "frames", note=f"{out.name} is of this video with these settings already, and is kept")
        report.artefact("pose track", out)
        return
    spill = TrackSpill(out.with_name(f".{out.name}.frames"))
    try:
        count = _fill(spill, info, start, end, report)
        seen = body_seen(spill.rows(0)["body_image"]) if spill.people() else np.zeros(0, bool)
        if seen.sum() < max(1, LEAST_SHARE_SEEN * spill.frames):
            raise UserError(f"No person was found in {video.name}; choose a video in which one is large and bright enough to be seen.")
        _bridge(spill, seen)
        header = make_header({**info.header(sha256), "frame_count": count if end is None else info.frame_count}, settings)
        spill.save(out, header, [0])
    finally:
        spill.discard()
    report.artefact("pose track", out)


def _is_of(track: Path, sha256: str, settings: dict[str, Any]) -> bool:
    try:
        header = read_header(track)
    except UserError:
        return False  # something else has that name; writing over it is what --out asks for
    return header["video"]["sha256"] == sha256 and header["capture"] == settings


def _fill(spill: TrackSpill, info: VideoInfo, start: float | None, end: float | None, report: Reporter) -> int:
    """Detect in every frame and append to the spill. Returns the number of frames up to the last one read."""
    seconds = min(end or info.duration, info.duration) - (start or 0)
    total = max(round(seconds * info.fps), 1) if start or end else info.frame_count
    last = -1
    detectors = Detectors()
    frames = ahead(read_frames(info.path, start, end), DECODE_AHEAD)
    try:
        for frame, body, hands, face in detectors.run(frames):
            spill.begin_frame(frame.time, frame.index)
            if body is not None:
                spill.put(0, **_arrays(body, hands, face))
            last = frame.index
            report.progress(spill.frames, max(total, spill.frames), "frames")
    finally:
        frames.close()
        detectors.close()
    if not spill.frames:
        raise UserError(f"{info.path} has no frames in that range; it lasts {info.duration:.1f} s.")
    return last + 1


Found = tuple[Frame, Body | None, tuple[Hand | None, Hand | None], Face | None]


class Detectors:
    """The detectors at work side by side: the next frames' bodies while hands and face of this one are looked at."""

    def __init__(self) -> None:
        with quiet_libraries():
            self._body, self._parts = BodyDetector(), PartFinder()
            self._body.warm_up()
        self._bodies = ThreadPoolExecutor(1)

    def run(self, frames: Iterator[Frame]) -> Iterator[Found]:
        bodies: dict[int, Body | None] = {}
        for frame, parts in self._parts.run(self._with_bodies(frames, bodies)):
            found = parts.get(0, Parts())
            yield frame, bodies.pop(frame.index), found.hands, found.face

    def _with_bodies(self, frames: Iterator[Frame], bodies: dict[int, Body | None]) -> Iterator[tuple[Frame, dict[int, Body]]]:
        waiting: deque[tuple[Frame, Future[Body | None]]] = deque()

        def oldest() -> tuple[Frame, dict[int, Body]]:
            frame, future = waiting.popleft()
            body = bodies[frame.index] = future.result()
            return frame, {} if body is None else {0: body}

        nobody = True
        for frame in frames:
            waiting.append((frame, self._bodies.submit(self._body, frame.rgb, frame.time)))
            # Until somebody has been found the library has something left to say, and frames go one by one so that it can be kept quiet.
            if nobody:
                with quiet_libraries():
                    first = oldest()
                nobody = not first[1]
                yield first
            elif len(waiting) > 1:
                yield oldest()
        while waiting:
            yield oldest()

    def close(self) -> None:
        self._bodies.shutdown(cancel_futures=True)
        self._body.close()
        self._parts.close()


def ahead(frames: Iterator[Frame], most: int) -> Generator[Frame, None, None]:
    """The same frames, decoded by a thread that runs up to `most` frames ahead. Its errors are raised here."""
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(most)
    stop = threading.Event()

    def put(item: Frame | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def decode() -> None:
        try:
            for frame in frames:
                if not put(frame):
                    break
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=decode, daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _arrays(body: Body, hands: tuple[Hand | None, Hand | None], face: Face | None) -> dict[str, NDArray[Any] | float]:
    """One frame by the names of the track's arrays; what was not seen is left out."""
    found: dict[str, NDArray[Any] | float] = {
        "body_image": body.image,
        "body_world": body.world,
        "body_visibility": body.visibility,
    }
    unseen = np.full((21, 3), np.nan)
    found["hand_image"] = np.stack([unseen if hand is None else hand.image for hand in hands])
    found["hand_world"] = np.stack([unseen if hand is None else hand.world for hand in hands])
    found["hand_score"] = np.array([0.0 if hand is None else hand.score for hand in hands])
    if face is not None:
        found |= {"face_image": face.image, "face_score": face.score}
    return found


def _bridge(spill: TrackSpill, seen: NDArray[Any]) -> None:
    """Interpolate the body over short gaps, at half the visibility, and mark them."""
    rows = spill.rows(0)
    time = spill.time[slice(*spill.span(0))]
    for gap in gaps(seen, time, BRIDGE_SECONDS):
        for name in ("body_image", "body_world", "body_visibility"):
            rows[name][slice(*gap)] = bridge(rows[name], time, gap) * (0.5 if name == "body_visibility" else 1)
        rows["bridged"][slice(*gap)] = True
    rows.flush()
