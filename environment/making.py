# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the worker's environment: a Python 3.11, an environment, downloads, installing, a check, and the mark that it is ready."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import UserError
from ..jobs.lock import FileLock
from ..jobs.progress import Reporter
from . import process, pythons
from .failures import sentence
from .pip_output import PipOutput
from .place import PACKAGES, Place, Ready
from .requirements import PROJECT, package_of, pinned_version, requirements, size, tool, torch_index, wheel_of

ENTRY = PROJECT.with_name("__main__.py")
PIP_WITH_BYTES = (24, 1)  # before, pip had no `--progress-bar raw`
MEGABYTE = 1e6


@dataclass(frozen=True)
class Order:
    """What is to be made: in which add-on's folder, for which device, from which Python and which folder of wheels (None: an index)."""

    home: Path
    compute: str = "cpu"
    base: Path | None = None
    wheels: Path | None = None
    project: Path = PROJECT

    @property
    def place(self) -> Place:
        return Place(self.home)

    @property
    def lines(self) -> tuple[str, ...]:
        return requirements(self.project)


def make(order: Order, report: Reporter, *, check: Callable[[Path, Reporter], None] | None = None) -> Ready:
    """Make the environment and mark it ready. An earlier one stays in use until then.

    `check` raises UserError where the new Python is not fit; `ningyo doctor` looks unless another is given. Raises UserError in one
    sentence; what was downloaded until then is kept.
    """
    place = order.place
    if order.wheels is not None and not any(order.wheels.glob("*.whl")):
        raise UserError(f"There are no wheels in {order.wheels}; choose the folder that has them, or leave the setting empty.")
    place.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place.folder / "lock")
    if not lock.acquire():
        raise UserError("The worker is being set up already, perhaps by another Blender; wait for it.")
    try:
        place.clear_half_made()
        refuse_small_disk(order, order.compute)
        place.temporary.mkdir()
        folder = place.new_folder()
        try:
            fill(order, folder, report)
            report.stage("check")
            (check or doctor)(Ready(folder, order.compute, "").python, report)
            ready = place.set_ready(folder, order.compute, order.lines)
        except process.Failed as failure:
            raise UserError(sentence(str(failure), where=str(place.folder), offline=order.wheels is not None)) from failure
        place.clear_half_made()
        shutil.rmtree(place.downloads, ignore_errors=True)
        return ready
    finally:
        lock.release()


def refuse_small_disk(order: Order, compute: str) -> None:
    needed, free = size(compute).disk, shutil.disk_usage(order.place.folder).free / 1e9
    if free < needed:
        raise UserError(
            f"Setting up the worker takes about {needed:g} GB on the disk of {order.home}, where {free:.1f} GB are free; "
            "free some and set up again."
        )


def fill(order: Order, folder: Path, report: Reporter) -> None:
    """Make the environment `folder` and install everything into it."""
    place, environment = order.place, pip_environment(order)
    report.stage("find Python")
    base = pythons.find(place, order.base)
    if base is None and order.wheels is not None:
        raise UserError(f"No Python {pythons.WANTED} was found; {pythons.INSTALL_IT}.")
    if base is None:
        report.stage("fetch Python")
        base = pythons.fetch(place, report, order.project, environment)
    print(f"Python: {base}", flush=True)
    report.stage("create environment")
    process.run([str(base), "-I", "-m", "venv", str(folder)], report, environment=environment)
    pip = Pip(order, folder, report, environment)
    report.stage("download")
    pip.renew()
    pip.install()


def pip_environment(order: Order) -> dict[str, str]:
    """The environment for pip: the user's proxy, index and certificates, but our cache and temporary folder, and no questions."""
    temporary = str(order.place.temporary)
    return {
        **os.environ,
        "PIP_CACHE_DIR": str(order.place.downloads),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_REQUIRE_VIRTUALENV": "0",
        "TMPDIR": temporary,
        "TEMP": temporary,
        "TMP": temporary,
    }


def expected_bytes(order: Order) -> float:
    """How much is to be downloaded; from a folder of wheels, at most so much to be read."""
    if order.wheels is not None:
        return float(sum(wheel.stat().st_size for wheel in order.wheels.glob("*.whl")))
    return size(order.compute).download * 1e9


class Pip:
    """The new environment's pip, whose progress becomes ours."""

    def __init__(self, order: Order, folder: Path, report: Reporter, environment: dict[str, str]) -> None:
        self._order = order
        self._packages = folder / PACKAGES
        self._python = str(Ready(folder, order.compute, "").python)
        self._report = report
        self._environment = environment
        self._output = PipOutput()
        self._installing = False
        self._before = 0  # packages that were there before
        self._expected = expected_bytes(order)
        self._unit = "MB"
        self._told: tuple[float, float] | None = None

    def renew(self) -> None:
        """A pip that tells bytes and goes on where a connection broke, where the base Python's is too old and there is an index."""
        if self._order.wheels is None and not self._tells_bytes():
            self._run("install", "--upgrade", tool("pip", self._order.project))

    def _tells_bytes(self) -> bool:
        version = next(self._packages.glob("pip-*.dist-info")).name.split("-")[1]
        return tuple(map(int, re.findall(r"\d+", version)[:2])) >= PIP_WITH_BYTES

    def install(self) -> None:
        """Everything the worker needs."""
        order = self._order
        if order.wheels is not None:
            sources, lines = ["--no-index", "--find-links", str(order.wheels)], list(order.lines)
        else:
            sources, lines = [], [self._fetched(line) for line in order.lines]
        listed = order.place.temporary / "requirements.txt"
        listed.write_text("\n".join(lines) + "\n", "utf-8")
        self._output.packages = 0  # pip may have installed itself anew
        self._before = self._installed()
        self._installing = True
        self._run("install", *sources, "-r", str(listed))

    def _fetched(self, line: str) -> str:
        """A pinned requirement with its wheel, which is in a folder from now on; others as they are.

        Of a run that ends early pip keeps nothing but what the index marks as lasting, so each of the large ones has a run of its own.
        torch's index is asked for torch alone: for all else it would only be slower, and one more place to trust.
        """
        order, name = self._order, package_of(line)
        folder = order.place.downloads / order.compute
        index = torch_index(order.compute) if name == "torch" else None
        if not pinned_version(line):
            return line
        extra = [] if index is None else ["--extra-index-url", index, "--retries", "1", "--timeout", "20"]
        self._run("download", "--no-deps", "--no-cache-dir", "--dest", str(folder), *extra, line)
        wheel = wheel_of(line, folder)
        if index is not None and (wheel is None or "+" not in wheel.name):
            self._take_standard_build(index)
        return line if wheel is None else f"{name} @ {wheel.as_uri()}"

    def _take_standard_build(self, index: str) -> None:
        """Say that torch is another build than was wanted. On Linux it is several times as large."""
        other = "cuda" if self._order.compute == "cpu" else "cpu"
        self._report.warning(
            f"PyTorch's own index could not be reached ({index}): its standard build is taken, which is for {other.upper()}. "
            "Set up again to try once more."
        )
        refuse_small_disk(self._order, other)
        self._expected = size(other).download * 1e9

    def _run(self, command: str, *arguments: str) -> None:
        options = ["--only-binary", ":all:", "--progress-bar", "raw" if self._tells_bytes() else "off"]
        process.run(
            [self._python, "-I", "-X", "utf8", "-m", "pip", command, *options, *arguments],
            self._report,
            environment=self._environment,
            on_line=self._output.read,
            on_look=self._tell,
        )

    def _installed(self) -> int:
        return sum(name.endswith(".dist-info") for name in os.listdir(self._packages))

    def _tell(self) -> None:
        """Report what is new."""
        output = self._output
        if self._installing and output.packages:
            if self._unit != "packages":
                self._report.stage("install")
            self._unit, done, total, note = "packages", min(self._installed() - self._before, output.packages), output.packages, ""
        else:
            whole = max(output.known, self._expected)
            done, total, note = round(output.done / MEGABYTE, 1), round(whole / MEGABYTE, 1), output.name
        if done and (done, total) != self._told:
            self._told = (done, total)
            self._report.progress(done, total, self._unit, note=note)


def doctor(python: Path, report: Reporter) -> None:
    """`ningyo doctor` in the new environment; its checks become events of ours. UserError names what is missing."""
    unfit: list[str] = []
    whole = partial(pass_on_check, report=report, unfit=unfit)
    try:
        process.run([str(python), "-I", "-u", str(ENTRY), "doctor", "--json"], report, on_line=whole)
    except process.Failed as failure:
        said = "; ".join(unfit) or str(failure).strip().splitlines()[-1]
        raise UserError(f"Everything is installed, but does not work here: {said}; mend that and set up again.") from failure


def pass_on_check(line: str, *, report: Reporter, unfit: list[str]) -> bool:
    """Take in one of the doctor's events. True where it was one."""
    try:
        event = json.loads(line)
        kind = event.pop("type")
    except (ValueError, KeyError, AttributeError, TypeError):
        return False
    if kind == "check":
        event.pop("time", None)
        report.emit("check", **event)
        if not event["ok"]:
            unfit.append(f"{event['name']}: {event['found']}")
    return True
