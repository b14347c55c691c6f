# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches MediaPipe's models into Ningyo's cache, when the user asks for it, for a MediaPipe that came without (1.x).

They are taken out of a wheel of MediaPipe 0.10.21 on the Python package index: the Linux one on every platform, for the models are the
same in all wheels and it is the smallest. pip fetches it, as it knows the user's index, proxy and certificates. What protects is the
SHA-256 of the wheel and of each model, pinned here and in models.py; so a mirror is as good as the index.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from ...errors import UserError
from ...jobs.folder import sha256_of
from ...jobs.lock import FileLock
from ...jobs.progress import SILENT, Reporter
from .models import PARTS, cache_folder

OFFLINE_VARIABLE = "NINGYO_OFFLINE"

REQUIREMENT = "mediapipe==0.10.21"
WHEEL_PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.12", "--implementation", "cp", "--abi", "cp312")
WHEEL_SHA256 = "956eb1ebc275c629e61b085b2cab89c3a5b9e93bad1bb107348d98dafb5a4bb5"
WHEEL_BYTES = 35_627_340

LOCK, SCRATCH = ".lock", ".download"
POLL_SECONDS = 0.2
RETRIES = "3"  # with none pip would not say that it could not connect

# What pip says → what that means; the first that fits is told. Most failures also end in "No matching distribution", so that is last.
CAUSES = (
    ("No module named pip", "this Python ({python}) has no pip; `{python} -m ensurepip` adds it"),
    ("DO NOT MATCH THE HASHES", "what came is not the expected file, or only a part of it, and was thrown away; try again"),
    ("No space left on device", "the disk of {cache} is full; free about 100 MB"),
    ("not enough space on the disk", "the disk of {cache} is full; free about 100 MB"),
    ("ProxyError", "the proxy does not answer or refuses; check HTTPS_PROXY, or pip's `proxy` setting"),
    ("CERTIFICATE_VERIFY_FAILED", "the package index has a certificate that is not trusted here; check the clock, or pip's `cert` setting"),
    ("Connection broken", "the connection broke off; try again"),
    ("incomplete-download", "the connection broke off; try again"),
    ("not a trusted or secure host", "pip is set to an index over plain http, which it refuses; set one over https with PIP_INDEX_URL"),
    ("Read timed out", "the package index did not answer in time; try again"),
    ("Retrying (", "the package index cannot be reached; check the connection, and pip's `index-url` and `proxy` settings"),
    ("No matching distribution", f"the package index that pip is set to does not have {REQUIREMENT}; set another with PIP_INDEX_URL"),
)  # fmt: skip


def download(*, report: Reporter = SILENT) -> Path:
    """Fetch the models into `cache_folder()`, unless they are there already, and return that folder.

    Files appear in it whole and right, or not at all; the wheel is not kept. UserError if NINGYO_OFFLINE=1 is set, or if the index cannot
    be reached or sends something else. Cancelled if the user asked to stop.
    """
    cache = cache_folder()
    parts = [part for kind in PARTS.values() for part in kind.values()]
    targets = [cache / Path(part.file).name for part in parts]
    if all(target.is_file() and sha256_of(target) == part.sha256 for target, part in zip(targets, parts, strict=True)):
        report.progress(len(parts), len(parts), "models", note="they are there already")
        return cache
    if os.environ.get(OFFLINE_VARIABLE) == "1":
        raise UserError(
            f"Nothing was downloaded, as {OFFLINE_VARIABLE}=1 forbids it; allow it (in Blender: Preferences, System, Allow Online Access), "
            "or name a folder of models with --models."
        )
    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / LOCK)
    if not lock.acquire():
        raise UserError(f"Another download into {cache} is under way; wait for it.")
    scratch = cache / SCRATCH
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
        scratch.mkdir()
        wheel = _fetch(scratch, report)
        with zipfile.ZipFile(wheel) as archive:
            for part, target in zip(parts, targets, strict=True):
                model = archive.read(f"mediapipe/modules/{part.file}")
                if hashlib.sha256(model).hexdigest() != part.sha256:
                    raise UserError(f"{Path(part.file).name} in the downloaded wheel is not the model that was expected; nothing was kept.")
                (scratch / target.name).write_bytes(model)
        for target in targets:
            os.replace(scratch / target.name, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        lock.release()
    return cache


def _fetch(scratch: Path, report: Reporter) -> Path:
    """The wheel, in a folder under `scratch`, where pip also keeps what it is still fetching."""
    partial, done = scratch / "pip", scratch / "wheel"
    partial.mkdir()
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", "utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", *WHEEL_PLATFORM]
    command += [
        "--no-cache-dir",
        "--no-input",
        "--retries",
        RETRIES,
        "--progress-bar",
        "off",
        "--dest",
        str(done),
        "--requirement",
        str(requirements),
    ]
    environment = {**os.environ, "TMPDIR": str(partial), "TEMP": str(partial), "TMP": str(partial), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=scratch, env=environment
    )
    try:
        while True:
            # pip's own progress is drawn for a terminal; the growing file says the same.
            fetched = max((_size(path) for path in scratch.rglob("*.whl")), default=0)
            report.progress(round(fetched / 1e6, 1), round(WHEEL_BYTES / 1e6, 1), "MB", "" if fetched else "asking the package index")
            with contextlib.suppress(subprocess.TimeoutExpired):
                said = pip.communicate(timeout=POLL_SECONDS)[0].decode("utf-8", "replace")
                break
    finally:
        pip.kill()
        pip.wait()
    wheels = list(done.glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        print(said, file=sys.stderr)
        raise UserError(f"The models were not downloaded: {_cause(said, scratch.parent)}, or name a folder of models with --models.")
    report.progress(round(WHEEL_BYTES / 1e6, 1), round(WHEEL_BYTES / 1e6, 1), "MB")
    return wheels[0]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # moved by pip since it was listed
        return 0


def _cause(said: str, cache: Path) -> str:
    for words, cause in CAUSES:
        if words in said:
            return cause.format(python=sys.executable, cache=cache)
    last = said.strip().splitlines()[-1:] or ["nothing"]
    return f"pip failed, and its last words were “{last[0].strip()}”; see to that"
