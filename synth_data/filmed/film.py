# SPDX-License-Identifier: GPL-3.0-or-later
"""A video of a person, or of a drawn character, becomes what a generator is trained on: frames cut out around them, each with the pose that
was captured in it (as in "Everybody Dance Now", Chan et al. 2019).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..capture.capture import Settings, capture_files
from ..dataset.folder import safe_name
from ..dataset.splits import Clip
from ..pose.framing import MID_HIP, steady_crops
from ..pose.landmarks import BODY_25_FROM_MEDIAPIPE
from ..pose.placing import body_height, camera_for, placed
from ..pose.track import PoseTrack
from ..pose.transfer import FilmedTarget, ground_of
from ..video.read import read_frames
from .folder import Pixels, Shot, header_of, refuse_other_contents, split_by_time, write_dataset

TRACKS = "clips"
SURE = 0.5  # a joint that is less visible counts as hidden
LEAST_FRAMES = 20


def film(videos: Sequence[Path | str], out: Path | str, *, person: int = 0, size: int = 512, report: Reporter = SILENT) -> dict[str, Any]:
    """Make the dataset `out` of the person with the id `person` (0: the main one of each video) in pictures of size² px.

    Each video's pose track is kept in `out`/clips, and its last fifth is held out after a gap of two seconds. Frames in which the body
    was not seen are left out. A dataset that was interrupted is continued. Raises UserError. Returns {"samples", "made", "height"}.
    """
    videos, out = [Path(video) for video in videos], Path(out)
    refuse_other_contents(out, (TRACKS,))
    names = _names(videos)
    report.stage("capture")
    tracks = []
    for video, name in zip(videos, names, strict=True):
        (track,) = capture_files([video], out / TRACKS / f"{name}.npz", settings=Settings(person=person or "main"), report=report)
        tracks.append(PoseTrack.load(track))
    cameras = [camera_for(track.size) for track in tracks]
    points = [placed(track, 0, K) for track, K in zip(tracks, cameras, strict=True)]
    seen = [np.isfinite(p[:, MID_HIP]).all(-1) & ~track.bridged[0] for p, track in zip(points, tracks, strict=True)]
    if sum(map(np.count_nonzero, seen)) < LEAST_FRAMES:
        raise UserError(f"The person is seen in fewer than {LEAST_FRAMES} frames; give a longer video, or choose another with --person.")
    height = float(np.median([body_height(p[s]) for p, s in zip(points, seen, strict=True) if s.any()]))
    clips: list[Clip] = []
    shots: list[Shot] = []
    of_clip: dict[str, int] = {}
    for v, (track, K, p) in enumerate(zip(tracks, cameras, points, strict=True)):
        boxes = steady_crops(p, K, height, track.fps)
        sure = np.ones(p.shape[:2], bool)
        sure[:, :25] = track.body_visibility[0][:, BODY_25_FROM_MEDIAPIPE].min(-1) >= SURE
        for clip in split_by_time(names[v], track.time):
            clips.append(clip)
            of_clip[clip.name] = v
            shots += [Shot(clip, f, p[f], sure[f], K, boxes[f]) for f in range(clip.start, clip.end) if seen[v][f]]
    main = int(np.argmax([np.count_nonzero(s) for s in seen]))
    target = FilmedTarget(tracks[main].size, float(cameras[main][0, 0]), height, ground_of(points[main], cameras[main]))
    sources = [str(track.video["sha256"]) for track in tracks]
    whole = sources[0] if len(sources) == 1 else hashlib.sha256("".join(sources).encode()).hexdigest()
    rates = {name: tracks[v].fps for name, v in of_clip.items()}
    header = header_of(names[0], ", ".join(video.name for video in videos), whole, size, clips, rates, len(shots))

    def pictures(wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
        for v, (video, track) in enumerate(zip(videos, tracks, strict=True)):
            frame_of = {int(index): f for f, index in enumerate(track.frame_index)}
            number_of = {shot.frame: n for n, shot in enumerate(shots) if n in wanted and of_clip[shot.clip.name] == v}
            for frame in read_frames(video) if number_of else ():
                number = number_of.get(frame_of.get(frame.index, -1))
                if number is not None:
                    yield number, frame.rgb

    report.stage("pictures")
    made = write_dataset(out, header, target, shots, pictures, [f"{TRACKS}/{name}.npz" for name in names], report)
    return {"samples": len(shots), "made": made, "height": round(height, 3)}


def _names(videos: Sequence[Path]) -> list[str]:
    """A clip's name for each video, by its file's, each once."""
    names: list[str] = []
    for video in videos:
        name = safe_name(video.stem)
        names.append(name if name not in names else f"{name}-{len(names) + 1}")
    return names
