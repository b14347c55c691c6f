# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who from frame to frame: each person is followed in a region of their own, and found again after being lost.

A person's next region comes from their last body and its speed. Where two of them come to show the same body, one hides the other: it stays
with whom it fits better by place and colours, the other is lost and waits for a body that does. New people come from searches of the
picture, which grow rare while they find nobody, so that one person alone costs hardly more than following them. Who is found is followed
back, too, through the few frames that are kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..video.read import Frame
from .appearance import camera_motion, colours, is_cut, thumbnail, unlike
from .bodies import CORE, TRUNK, Body, BodyModel, Searcher, is_part_of, same_body, similarity
from .crops import Box, body_region
from .landmarker import quiet_libraries

# Seconds between searches: while nobody is followed or somebody is missed; after a search; doubled each time nobody new is found, up to.
SEARCH_SOON, SEARCH_NEXT, SEARCH_LATE = 0.25, 0.5, 2.0
# Frames after which a search has to be ready: fixed, so that the result does not depend on the machine's speed.
LATENCY = 16
SHARES = 2  # of a crowd's picture, gone over by one search after the other
KEPT_FRAMES, KEPT_BYTES = 32, 100 << 20  # to follow people back through
DEEP_EVERY = 8  # searches, while at most one person is known
HOLD = 0.03  # of a region's side: a body that moves by less is looked at in the same region
LOOK_NEARBY, LOOK_AGAIN = 1.0, 0.1  # seconds for which, and between which, a lost person is looked for where they should be
FORGET = 10.0  # seconds
CHECK_EVERY = 0.5  # seconds between doubts about a person of whom the model is not sure
SURE = 0.75

# Colours of one person differ from moment to moment by about 0.3, those of two by 0.5 and more.
SAME_COLOURS, OTHER_COLOURS = 0.45, 0.55
LEARN_COLOURS, LEARN_SIZE = 0.03, 0.02  # a frame
MORE_UNLIKE = 0.2  # than usual, to be somebody else
STRANGE_FRAMES = 5  # in other colours, until it is somebody else
SHRINK = 0.55  # of the usual size, until it is not the person but some pattern on them


@dataclass
class Person:
    """Someone who is followed, or lost: then `body` is where they should be by now, unless `placed` is False (after a cut)."""

    id: int
    body: Body
    colours: NDArray[Any]
    seen_at: float
    size: float  # usual, px
    unlikeness: float = 0.25  # usual, of their colours from frame to frame
    velocity: NDArray[Any] = field(default_factory=lambda: np.zeros(2))  # px a second
    looked_at: float = 0.0
    checked_at: float = 0.0
    doubts: int = 0
    strange: int = 0
    region: Box | None = None  # looked in last, while the body stays where it was in it
    placed: bool = True

    def ahead(self, seconds: float) -> Body:
        return _moved(self.body, self.velocity * seconds)


@dataclass
class Moment:
    """A frame that is kept, and who was seen in it, by id."""

    frame: Frame
    bodies: dict[int, Body]


@dataclass
class Pending:
    """A search at work, and how many frames ago it began."""

    found: Future[tuple[list[Body], bool]]
    deep: bool
    age: int = 0


class Tracker:
    """Follows everyone through a video's frames."""

    def __init__(self, models: Path | None = None, threads: int = 2) -> None:
        self._folder, self._threads = models, threads
        self._pool, self._background = ThreadPoolExecutor(threads), ThreadPoolExecutor(1)
        searcher = self._background.submit(Searcher, models)
        self._models = [BodyModel(models)]  # the others are loaded when there is a second person
        self._searcher = searcher.result()
        self._followed: list[Person] = []
        self._lost: list[Person] = []
        self._next_id = 0
        self._kept: deque[Moment] = deque()
        self._shot_began = -np.inf
        self._small: NDArray[Any] | None = None
        self._time = 0.0
        self._pending: Pending | None = None
        self._searched_at, self._pause, self._searches = -np.inf, SEARCH_NEXT, 0
        self._crowd = False

    def run(self, frames: Iterable[Frame]) -> Iterator[tuple[Frame, dict[int, Body]]]:
        """Every frame, in order, with the bodies in it by id. Times have to rise."""
        for frame in frames:
            keep = max(2, min(KEPT_FRAMES, KEPT_BYTES // frame.rgb.nbytes))
            self._step(frame, min(LATENCY, keep - 1))
            while len(self._kept) > keep:
                moment = self._kept.popleft()
                yield moment.frame, moment.bodies
        if self._pending is not None:
            self._finish_search(self._pending)
        while self._kept:
            moment = self._kept.popleft()
            yield moment.frame, moment.bodies

    def _step(self, frame: Frame, latency: int) -> None:
        rgb, time = frame.rgb, frame.time
        small = thumbnail(rgb)
        elapsed = time - self._time
        cut = self._small is not None and is_cut(self._small, small)
        if cut:
            self._shot_began = time
            if self._pending is not None:  # of the shot before
                self._finish_search(self._pending)
            self._lose(list(self._followed))
            for person in self._lost:
                person.placed = False
        elif self._small is not None and self._lost:
            self._move_lost(camera_motion(self._small, small, max(rgb.shape[:2]) / max(small.shape)), elapsed)
        self._small, self._time = small, time
        self._lost = [person for person in self._lost if time - person.seen_at <= FORGET]

        self._follow(rgb, time, elapsed)
        came = self._look_nearby(rgb, time)
        self._kept.append(Moment(frame, {person.id: person.body for person in self._followed}))
        for person in came:
            self._follow_back(person, person.body, len(self._kept) - 1)
        if self._pending is not None:
            self._pending.age += 1
            if self._pending.age >= latency:
                self._finish_search(self._pending)
        if self._pending is None and (cut or self._search_is_due(time)):
            self._start_search(rgb, time, deep=cut or self._crowd or not self._followed or self._searches % DEEP_EVERY == 0)
        while len(self._models) < self._threads and len(self._followed) > 1:
            with quiet_libraries():
                self._models.append(BodyModel(self._folder))

    def _search_is_due(self, time: float) -> bool:
        if self._crowd or not self._followed:
            return True  # as often as one search follows the other
        # Somebody who was there a moment ago is likely to come back.
        missed = any(person.placed and time - person.seen_at <= SEARCH_LATE for person in self._lost)
        return time - self._searched_at >= (SEARCH_SOON if missed else self._pause)

    def _follow_back(self, person: Person, body: Body, count: int) -> None:
        """Add someone who has just been found to the first `count` of the kept frames, from the last of them back."""
        for moment in list(self._kept)[:count][::-1]:
            if person.id in moment.bodies or moment.frame.time < self._shot_began:
                return
            seen = self._models[0].look(moment.frame.rgb, body_region(body.image))
            if seen is None or not seen.is_there or not _goes_on(body, seen):
                return
            if any(same_body(seen, other) for other in moment.bodies.values()):
                return
            moment.bodies[person.id] = body = seen

    def close(self) -> None:
        for pool in (self._pool, self._background):
            pool.shutdown(cancel_futures=True)
        for model in (*self._models, self._searcher):
            model.close()

    def _follow(self, rgb: NDArray[Any], time: float, elapsed: float) -> None:
        """Everyone's body in this frame; those without one are lost."""

        def look(model: BodyModel, person: Person) -> Body | None:
            expected = person.ahead(elapsed)
            person.region = _held(person.region, body_region(expected.image))
            seen = model.look(rgb, person.region)
            if seen is None or not _goes_on(expected, seen) or seen.size < SHRINK * person.size:
                # A leap: a wider look decides whether the person is still there.
                region = body_region(person.body.image)
                wider = 1.3 * region.side * max(person.size / person.body.size, 1)
                seen = model.look(rgb, Box(region.x, region.y, wider, region.up))
                if seen is None or not seen.is_there or not _goes_on(person.body, seen) or seen.size < SHRINK * person.size:
                    return None
            if seen.confidence < SURE and time - person.checked_at >= CHECK_EVERY:
                person.checked_at = time
                again = model.look_mirrored(rgb, body_region(seen.image))
                person.doubts = 0 if again is not None and similarity(seen, again) > 0.4 else person.doubts + 1
                if person.doubts >= 2:
                    return None
            return seen

        found = dict(zip((person.id for person in self._followed), self._share(look, self._followed), strict=True))
        bodies = {id: body for id, body in found.items() if body is not None}
        gone = [person for person in self._followed if person.id not in bodies]
        stay = [person for person in self._followed if person.id in bodies]
        looks = {person.id: colours(rgb, bodies[person.id]) for person in stay} if len(stay) > 1 else {}
        hidden: set[int] = set()
        for a, b in combinations(stay, 2):
            if a.id in hidden or b.id in hidden:
                continue
            if same_body(bodies[a.id], bodies[b.id]):
                misfit_a, misfit_b = (
                    1 - similarity(person.ahead(elapsed), bodies[person.id]) + unlike(person.colours, looks[person.id]) for person in (a, b)
                )
                hidden.add(a.id if misfit_a > misfit_b else b.id)
                continue
            small, large = sorted((a, b), key=lambda person: bodies[person.id].size)
            if is_part_of(bodies[small.id], bodies[large.id]) or (
                _inside(bodies[small.id], bodies[large.id]) and unlike(looks[small.id], looks[large.id]) < SAME_COLOURS
            ):
                hidden.add(small.id)
        for person in stay:
            if person.id in hidden:
                gone.append(person)
                continue
            body = bodies[person.id]
            if elapsed > 0:
                speed = (body.image[TRUNK, :2] - person.body.image[TRUNK, :2]).mean(axis=0) / elapsed
                person.velocity = 0.5 * person.velocity + 0.5 * speed
            person.body, person.seen_at = body, time
            person.size += LEARN_SIZE * (body.size - person.size)
        self._lose(gone)
        self._compare_colours(rgb, looks)

    def _compare_colours(self, rgb: NDArray[Any], looks: Mapping[int, NDArray[Any]]) -> None:
        """Learn what people look like while nobody is in front of them, and notice when somebody is not who they were. `looks` are colours
        in this frame by id, where they are known already."""
        alone = len(self._followed) == 1 and not self._lost
        for person in list(self._followed):
            if alone and self._time - person.checked_at < CHECK_EVERY:
                continue  # colours change with the light; there is nobody to be taken for
            look = looks[person.id] if person.id in looks else colours(rgb, person.body)
            unlikeness = unlike(person.colours, look)
            if alone or unlikeness < min(OTHER_COLOURS, person.unlikeness + MORE_UNLIKE):
                person.strange = 0
                beside = any(_touch(person.body, other.body) for other in self._followed if other is not person)
                if alone or (unlikeness < person.unlikeness + MORE_UNLIKE / 2 and not beside):
                    person.unlikeness += LEARN_COLOURS * (unlikeness - person.unlikeness)
                    person.colours = (1 - LEARN_COLOURS) * person.colours + LEARN_COLOURS * look
                if alone:
                    person.checked_at = self._time
                continue
            person.strange += 1
            if person.strange >= STRANGE_FRAMES:
                body = person.body
                self._lose([person])
                likely = [p for p in self._lost if p is not person and p.placed and _near(p, body, 1.0)]
                rival = min(likely, key=lambda p: unlike(p.colours, look), default=None)
                if rival is not None and unlike(rival.colours, look) < SAME_COLOURS:
                    self._found(rival, body, self._time)

    def _look_nearby(self, rgb: NDArray[Any], time: float) -> list[Person]:
        """Lost people where they should be by now. Returns those who were found."""
        due = [p for p in self._lost if p.placed and time - p.seen_at <= LOOK_NEARBY and time - p.looked_at >= LOOK_AGAIN]
        height, width = rgb.shape[:2]
        due = [p for p in due if (0 <= p.body.image[TRUNK, 0].mean() < width) and (0 <= p.body.image[TRUNK, 1].mean() < height)]
        for person in due:
            person.looked_at = time

        def look(model: BodyModel, person: Person) -> Body | None:
            seen = model.look(rgb, body_region(person.body.image))
            if seen is None or not seen.is_there or not _near(person, seen, 0.5):
                return None
            if any(_is_taken(rgb, seen, other.body) for other in self._followed):
                return None
            again = model.look_mirrored(rgb, body_region(seen.image))
            return seen if again is not None and similarity(seen, again) > 0.5 else None

        came = []
        for person, body in zip(due, self._share(look, due), strict=True):
            if body is None or any(same_body(body, other.body) for other in self._followed):
                continue
            if len(self._followed) + len(self._lost) == 1 or unlike(person.colours, colours(rgb, body)) < SAME_COLOURS:
                self._found(person, body, time)
                came.append(person)
        return came

    def _start_search(self, rgb: NDArray[Any], time: float, deep: bool) -> None:
        """Search a frame in a thread of its own, while the next frames are followed."""
        known = [person.body for person in self._followed]
        share = (self._searches % SHARES, SHARES) if self._searches else (0, 1)
        found = self._background.submit(self._searcher, rgb, known, deep=deep, share=share)
        self._pending = Pending(found, deep)
        self._searched_at = time
        self._searches += 1

    def _finish_search(self, search: Pending) -> None:
        """Take up whom a search has found: new people, and lost ones wherever they are."""
        self._pending = None
        moments = list(self._kept)
        rgb, time = moments[-1].frame.rgb, moments[-1].frame.time
        begun = max(len(moments) - 1 - search.age, 0)
        found, small = search.found.result()
        self._pause = SEARCH_NEXT if found and self._followed else min(2 * self._pause, SEARCH_LATE)
        if search.deep:
            self._crowd = small
        found = [
            body for body in found if not any(_is_taken(moments[begun].frame.rgb, body, other) for other in found if other is not body)
        ]
        paths = self._share(lambda model, body: self._catch_up(model, body, moments[begun:]), found)
        for path in paths:
            if 0 < len(path) < len(moments) - begun:
                self._was_there(path, moments, begun)
        paths = [path for path in paths if len(path) == len(moments) - begun]
        bodies = [path[-1] for path in paths]
        looks = [colours(rgb, body) for body in bodies]
        pairs = [
            (unlike(person.colours, look), n, person)
            for n, (body, look) in enumerate(zip(bodies, looks, strict=True))
            for person in self._lost
            if unlike(person.colours, look) < self._patience(person, body, time)
        ]
        taken: set[int] = set()
        came: dict[int, Person] = {}
        for _, n, person in sorted(pairs, key=lambda pair: pair[0]):
            if n not in taken and person in self._lost:
                taken.add(n)
                self._found(person, bodies[n], time)
                came[n] = person
        for n, (body, look) in enumerate(zip(bodies, looks, strict=True)):
            if n in taken:
                continue
            if any(same_body(body, person.body) for person in came.values()):
                continue
            beside = [person for person in self._followed if person not in came.values() and _touch(person.body, body)]
            alike = min(beside, key=lambda person: unlike(person.colours, look), default=None)
            if alike is not None and (unlikeness := unlike(alike.colours, look)) < OTHER_COLOURS:
                now = colours(rgb, alike.body)
                if unlike(alike.colours, now) > max(unlikeness + 0.1, SAME_COLOURS):
                    # They had slipped onto somebody beside them, who is the new one.
                    body, alike.body, look = alike.body, body, now
                    moments[-1].bodies[alike.id] = alike.body
                elif unlikeness < SAME_COLOURS or _inside(body, alike.body):
                    continue  # the same person, seen in two ways
            person = Person(self._next_id, body, look, time, body.size)
            self._next_id += 1
            self._followed.append(person)
            came[n] = person
        for n, person in came.items():
            if person.body is not paths[n][-1]:  # exchanged: who they were before is not known
                moments[-1].bodies[person.id] = person.body
                continue
            for moment, body in zip(moments[begun:], paths[n], strict=True):
                moment.bodies[person.id] = body
            self._follow_back(person, paths[n][0], begun)

    def _was_there(self, path: list[Body], moments: list[Moment], begun: int) -> None:
        """Take up somebody whom a search found, and who was lost before it was ready."""
        last = moments[begun + len(path) - 1].frame
        look = colours(last.rgb, path[-1])
        if any(unlike(person.colours, look) < SAME_COLOURS for person in (*self._lost, *self._followed)):
            return  # most likely one of them; they are looked for anyway
        person = Person(self._next_id, path[-1], look, last.time, path[-1].size)
        if len(path) > 1:
            seconds = last.time - moments[begun].frame.time
            person.velocity = (path[-1].image[TRUNK, :2] - path[0].image[TRUNK, :2]).mean(axis=0) / seconds
            ago = moments[-1].frame.time - last.time
            person.body = person.ahead(LOOK_NEARBY * (1 - np.exp(-ago / LOOK_NEARBY)))
        self._next_id += 1
        self._lost.append(person)
        for moment, body in zip(moments[begun:], path, strict=False):
            moment.bodies[person.id] = body
        self._follow_back(person, path[0], begun)

    def _catch_up(self, model: BodyModel, body: Body, moments: Sequence[Moment]) -> list[Body]:
        """A body found in the first of these frames followed to the last, or until it is lost; empty if it is somebody's who is known."""
        path: list[Body] = []
        for moment in moments:
            seen = model.look(moment.frame.rgb, body_region(body.image)) if path else body
            if seen is None or (path and not _goes_on(body, seen)):
                return path
            if any(_is_taken(moment.frame.rgb, seen, other) for other in moment.bodies.values()):
                return []
            path.append(seen)
            body = seen
        return path

    def _patience(self, person: Person, body: Body, time: float) -> float:
        """How unlike in colours a body may be to be this lost person."""
        if not person.placed:
            return SAME_COLOURS
        away = time - person.seen_at
        if _near(person, body, 0.6 + 0.5 * away):
            return OTHER_COLOURS - 0.05
        # Far from where they were: left and came back.
        return SAME_COLOURS - 0.05 if away > LOOK_NEARBY else 0.0

    def _lose(self, people: Sequence[Person]) -> None:
        for person in people:
            self._followed.remove(person)
            self._lost.append(person)

    def _found(self, person: Person, body: Body, time: float) -> None:
        self._lost.remove(person)
        person.body, person.seen_at, person.placed = body, time, True
        person.size += 0.3 * (body.size - person.size)
        person.doubts = person.strange = 0
        person.velocity = np.zeros(2)
        self._followed.append(person)

    def _move_lost(self, matrix: NDArray[Any], elapsed: float) -> None:
        """Where the lost should be by now: moved by the camera, and on at a speed that fades."""
        for person in self._lost:
            image = person.body.image.copy()
            image[:, :2] = image[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            person.velocity = person.velocity * np.exp(-elapsed / LOOK_NEARBY)
            person.body = _moved(replace(person.body, image=image), person.velocity * elapsed)

    def _share(self, work: Any, items: Sequence[Any]) -> list[Any]:
        """`work(model, item)` for every item, dealt out to the threads."""
        if len(items) == 1:
            return [work(self._models[0], items[0])]
        share = len(self._models)
        done = list(self._pool.map(lambda n: [work(self._models[n], item) for item in items[n::share]], range(share)))
        return [done[index % share][index // share] for index in range(len(items))]


def _moved(body: Body, offset: NDArray[Any]) -> Body:
    image = body.image.copy()
    image[:, :2] += offset
    return replace(body, image=image)


def _held(before: Box | None, wanted: Box) -> Box:
    """The region of the frame before, unless another is wanted: each region gives slightly other landmarks, which would tremble with it."""
    if before is None:
        return wanted
    turned = abs((wanted.up - before.up + np.pi) % (2 * np.pi) - np.pi)
    moved = np.hypot(wanted.x - before.x, wanted.y - before.y)
    same = moved < HOLD * before.side and abs(np.log(wanted.side / before.side)) < 2 * HOLD and turned < 2 * HOLD
    return before if same else wanted


def _goes_on(expected: Body, seen: Body) -> bool:
    """Whether a body can be the expected one a frame later. Following asks for less sureness than finding."""
    return (
        float(seen.presence[CORE].mean()) > 0.5
        and seen.confidence > 0.25
        and 0.6 < seen.size / expected.size < 1.7
        and max(similarity(seen, expected), similarity(seen, expected, TRUNK)) > 0.2
    )


def _near(person: Person, body: Body, sizes: float) -> bool:
    """Whether a body's trunk is within so many body sizes of where the person should be, and about as large."""
    apart = np.linalg.norm((person.body.image[TRUNK, :2] - body.image[TRUNK, :2]).mean(axis=0))
    return bool(apart < sizes * max(person.size, body.size)) and 0.55 < body.size / person.size < 1.8


def _touch(a: Body, b: Body) -> bool:
    """Whether the boxes of two bodies' core joints overlap."""
    low = np.maximum(a.image[CORE, :2].min(axis=0), b.image[CORE, :2].min(axis=0))
    high = np.minimum(a.image[CORE, :2].max(axis=0), b.image[CORE, :2].max(axis=0))
    return bool((low < high).all())


def _is_taken(rgb: NDArray[Any], body: Body, other: Body) -> bool:
    """Whether a finding is somebody else's body or part of it, or a smaller one seen in their clothes."""
    if same_body(body, other) or is_part_of(body, other):
        return True
    return body.size < 0.85 * other.size and _inside(body, other) and unlike(colours(rgb, body), colours(rgb, other)) < SAME_COLOURS


def _inside(a: Body, b: Body) -> bool:
    """Whether most of the box of one body's core joints lies in the other's."""
    boxes = [(body.image[CORE, :2].min(axis=0), body.image[CORE, :2].max(axis=0)) for body in (a, b)]
    (low_a, high_a), (low_b, high_b) = boxes
    shared = np.clip(np.minimum(high_a, high_b) - np.maximum(low_a, low_b), 0, None).prod()
    return bool(shared > 0.7 * (high_a - low_a).prod())
