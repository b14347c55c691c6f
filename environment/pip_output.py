# SPDX-License-Identifier: GPL-3.0-or-later
"""How far pip is, by the lines that it prints."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

UNITS = {"bytes": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}
FILE = re.compile(r"\s*(?:Downloading|Using cached) (\S+) \((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)")
LOCAL = re.compile(r"\s*(?:Processing|File was already downloaded) (.+\.whl)")
BYTES = re.compile(r"Progress (\d+) of (\d+)")
INSTALLING = re.compile(r"Installing collected packages: (.+)")


@dataclass
class PipOutput:
    """Counts bytes over one or several runs of pip.

    pip names a file with its size before it downloads it, tells the bytes of larger ones (`--progress-bar raw`), and is silent while it
    installs.
    """

    whole: float = 0.0  # bytes of the files before the current one
    size: float = 0.0  # of the current file
    got: float = 0.0  # of its bytes
    name: str = ""
    cached: float = 0.0  # bytes that did not have to be downloaded again
    packages: int = 0  # how many are being installed; 0 before that
    names: set[str] = field(default_factory=set)  # of the files so far

    def read(self, line: str) -> bool:
        """Take in a line; True for those that are only there to be counted."""
        progress = BYTES.match(line)
        if progress:
            self.got, self.size = float(progress[1]), float(progress[2])
            return True
        file, local = FILE.match(line), LOCAL.match(line)
        if file and not file[1].endswith(".metadata"):
            self._begin(file[1].rpartition("/")[2], float(file[2]) * UNITS[file[3]])
            if "Using cached" in line:
                self.got = self.size
                self.cached += self.size
        elif local and os.path.isfile(local[1]):
            self._begin(os.path.basename(local[1]), float(os.path.getsize(local[1])))
            self.got = self.size
        installing = INSTALLING.match(line)
        if installing:
            self._begin("", 0.0)
            self.packages = len(installing[1].split(","))
        return False

    def _begin(self, name: str, size: float) -> None:
        self.whole += self.size
        # A file that is named again, in a later run or after a detour of pip's resolver, is there already.
        self.name, self.size, self.got = name, 0.0 if name in self.names else size, 0.0
        self.names.add(name)

    @property
    def done(self) -> float:
        return self.whole + self.got

    @property
    def known(self) -> float:
        """Bytes of all files that pip has named so far."""
        return self.whole + self.size
