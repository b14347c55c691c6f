# SPDX-License-Identifier: GPL-3.0-or-later
"""Video → PoseTrack: everyone in it, body, hands and face, in constant memory."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..pose.spill import TrackSpill
from ..pose.track import PoseTrack
from ..pose.track_file import make_header, read_header
from ..video.camera import record
from ..video.read import Frame, VideoInfo, hash_source, probe, read_frames, stills_in
from .ahead import ahead
from .models import fingerprint, load_mediapipe
from .overlay import write_overlay
from .passes import (
    bridge_bodies,
    choose_people,
    filter_bodies,
    filter_parts,
    follow_bodies,
    fuse_bodies,
    look_again,
    read_again,
    repair_bodies,
)

# Raised when the same video would give another track; a track of another version is not reused.
CAPTURE_VERSION = 4
DECODE_AHEAD = 8  # frames
# What a frame takes in the second reading, of what following takes in the first: looking again, and hands and faces.
LOOKS_TAKE, PARTS_TAKE = 2.4, 1.2


@dataclass(frozen=True)
class Settings:
    """What is captured, and how.

    `start` and `end` in seconds from the first frame; `fps` the rate at which frames are taken (None: all; of an image sequence: its rate);
    `person` "all", "main" or an id as a capture of all gives it; `parts`: hands and faces, too; `filter` "offline" (zero phase), "online"
    (the 1€ filter) or "none"; `bridge` the longest gap in seconds over which a body is interpolated; `models` a folder of the user's;
    `fast`: one look at each body instead of four.
    """

    start: float | None = None
    end: float | None = None
    fps: float | None = None
    person: str | int = "all"
    parts: bool = True
    filter: str = "offline"
    bridge: float = 0.5
    models: Path | None = None
    fast: bool = False

    def __post_init__(self) -> None:
        if (self.start is not None and self.start < 0) or (self.end is not None and self.end <= (self.start or 0)):
            raise UserError("The range is empty: --end has to be later than --start, and --start not before 0.")
        if self.bridge < 0:
            raise UserError("A gap cannot be shorter than nothing; give --bridge 0 or more seconds.")

    def header(self) -> dict[str, Any]:
        """What the track says of its making: another capture with the same finds the same."""
        known = {**asdict(self), "models": fingerprint(self.models)}
        return {"version": CAPTURE_VERSION, "mediapipe": load_mediapipe().__version__, **known}


def capture(
    videos: Sequence[Path | str],
    out: Path | str,
    *,
    settings: Settings | None = None,
    overlay: Path | str | None = None,
    report: Reporter = SILENT,
) -> PoseTrack:
    """`capture_files`, and the main person of the first track."""
    track = capture_files(videos, out, settings=settings, overlay=overlay, report=report)[0]
    return PoseTrack.load(track, read_header(track)["people"][0]["id"])


def capture_files(
    videos: Sequence[Path | str],
    out: Path | str,
    *,
    settings: Settings | None = None,
    overlay: Path | str | None = None,
    report: Reporter = SILENT,
) -> list[Path]:
    """Track the people of each video and write a pose track of each; returns the tracks' paths.

    A video is a movie, an animated picture, a picture, or a folder of pictures of one size; of a folder of pictures of different sizes each
    is captured alone. `out` is the .npz of one video; for several it is a folder, in which NAME.npz is written for NAME.mp4. `overlay` (one
    video only) is an .mp4 to write with what was found drawn over the source. A track that exists already, of the same file with the same
    settings, is kept. UserError if a file cannot be read or shows nobody; nothing is written then.
    """
    settings = settings or Settings()
    sources = [source for video in videos for source in (stills_in(video) or [Path(video)])]
    if not sources:
        raise UserError("No video was given; name at least one.")
    if overlay is not None and len(sources) > 1:
        raise UserError("An overlay can be made of one video at a time; leave out --overlay or give one video.")
    tracks = _track_paths(sources, Path(out))
    for video, track in zip(sources, tracks, strict=True):
        _capture_one(video, track, settings, report)
        if overlay is not None:
            write_overlay(video, track, Path(overlay), report=report)
            report.artefact("overlay", overlay)
    return tracks


def record_and_capture(
    camera: str, out: Path | str, *, settings: Settings | None = None, overlay: Path | str | None = None, report: Reporter = SILENT
) -> Path:
    """Record a camera or stream to a movie beside `out` (the track's .npz), then capture that, so that no frame is missed because a network
    was slow. Recorded is until `settings.end` seconds, the stream's end, or the user's stop. UserError if there is such a movie already."""
    settings = settings or Settings()
    track = _track_paths([Path(camera)], Path(out))[0]
    movie = track.with_suffix(".mp4")
    if movie.exists():
        raise UserError(f"{movie} exists and is kept; capture it with `ningyo capture {movie}`, or choose another --out.")
    track.parent.mkdir(parents=True, exist_ok=True)
    record(camera, movie, seconds=settings.end, report=report)
    return capture_files([movie], track, settings=settings, overlay=overlay, report=report)[0]


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


def _capture_one(video: Path, out: Path, settings: Settings, report: Reporter) -> None:
    info = probe(video, settings.fps)
    sha256 = hash_source(video)
    made_with = settings.header()
    if out.exists() and _is_of(out, sha256, made_with):
        frames = read_header(out)["video"]["frame_count"]
        report.progress(frames, frames, "frames", note=f"{out.name} is of this video with these settings already, and is kept")
        report.artefact("pose track", out)
        return
    spill = TrackSpill(out.with_name(f".{out.name}.frames"))
    try:
        count, order, ids = _fill(spill, info, settings, report)
        header = make_header({**info.header(sha256), "frame_count": count if settings.end is None else info.frame_count}, made_with)
        spill.save(out, header, order, ids)
    finally:
        spill.discard()
    report.artefact("pose track", out)


def _is_of(track: Path, sha256: str, made_with: dict[str, Any]) -> bool:
    try:
        header = read_header(track)
    except UserError:
        return False  # something else has that name; writing over it is what --out asks for
    return header["video"]["sha256"] == sha256 and header["capture"] == made_with


def _fill(spill: TrackSpill, info: VideoInfo, settings: Settings, report: Reporter) -> tuple[int, list[int], list[int]]:
    """All passes. Returns the number of the source's frames up to the last one read, the people in the spill and their ids."""
    seconds = min(settings.end or info.duration, info.duration) - (settings.start or 0)
    chosen = settings.start is not None or settings.end is not None or settings.fps is not None
    expected = max(round(seconds * (settings.fps or info.fps)), 1) if chosen else info.frame_count
    # Progress is counted in frames done with, a frame in parts by what each reading takes of the time.
    first_share = 1 / (1 + LOOKS_TAKE * (not settings.fast) + PARTS_TAKE * settings.parts)

    def frames() -> Generator[Frame, None, None]:
        return ahead(read_frames(info.path, settings.start, settings.end, settings.fps), DECODE_AHEAD)

    def progress(done: float, total: float, note: str) -> None:
        report.progress(round(done, 1), max(total, round(done, 1)), "frames", note=note)

    with closing(frames()) as first:
        count = follow_bodies(first, spill, settings.models, lambda done: progress(first_share * done, expected, "bodies"))
    if not spill.frames:
        raise UserError(f"{info.path} has no frames in that range; it lasts {info.duration:.1f} s.")
    order, ids = choose_people(spill, settings.person)
    if not order:
        raise UserError(f"No person was found in {info.path.name}; choose a video in which one is large and bright enough to be seen.")
    time = spill.time
    looks = {} if settings.fast else {person: look_again(spill, person, (info.width, info.height)) for person in order}
    looks = {person: kept for person, kept in looks.items() if kept is not None}
    people = {person: (spill.rows(person), time[slice(*spill.span(person))]) for person in order}
    for person, (rows, clock) in people.items():
        report.check()
        repair_bodies(rows, clock)
        # Steady regions, whatever is wanted in the end.
        filter_bodies(rows, clock, "offline" if person in looks else settings.filter)
        bridge_bodies(rows, clock, settings.bridge)
    if looks or settings.parts:
        total = spill.frames
        closer = "a closer look, hands, faces" if settings.parts else "a closer look"
        note = closer if looks else "hands, faces"
        with closing(frames()) as again:
            read_again(
                again,
                spill,
                settings.models,
                looks,
                settings.parts,
                lambda done: progress(first_share * total + (1 - first_share) * done, total, note),
            )
    for person, (rows, clock) in people.items():
        report.check()
        if person in looks:
            fuse_bodies(rows, looks[person], clock)
            filter_bodies(rows, clock, settings.filter)
            bridge_bodies(rows, clock, settings.bridge)
        if settings.parts:
            filter_parts(rows, clock, settings.filter)
    return count, order, ids
