# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiny wheels, an index that serves them on this machine, and a Python 3.11 to make environments with."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from ningyo.environment import pythons
from ningyo.environment.place import Place

PROJECT = """
[project]
dependencies = ["alpha>=1"]
[project.optional-dependencies]
worker = ["alpha==1.0", "beta==2.0; python_version == '3.11'"]
setup = ["pip", "uv"]
"""


def build_wheel(folder: Path, name: str, version: str, *, requires: tuple[str, ...] = (), tag: str = "py3-none-any") -> Path:
    """A wheel with one module that knows its version."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    records = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        records.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,"]) + "\n"
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


class Index:
    """A package index of the wheels in `folder`, under /simple; counts what is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: Counter[str] = Counter()
        self.before_file: Callable[[str], None] = lambda name: None  # may wait, as a slow network does
        self.hashes: dict[str, str] = {}  # announced instead of the true ones
        self.refuses_as_proxy = False
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.answer(self)

            do_CONNECT = do_GET  # of a proxy

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = unquote(request.path).rstrip("/").rpartition("/")[2]
        self.asked[name] += 1
        wheel = self.folder / name
        if self.refuses_as_proxy:
            self.send(request, 407, b"")
        elif wheel.is_file():
            self.before_file(name)
            # Unlike public indexes it does not say that a file never changes: pip does not keep it.
            self.send(request, 200, wheel.read_bytes())
        else:
            page = "".join(
                f'<a href="/files/{path.name}#sha256={self.hashes.get(path.name, hashlib.sha256(path.read_bytes()).hexdigest())}">'
                f"{path.name}</a>"
                for path in sorted(self.folder.glob(f"{name}-*.whl"))
            )
            self.send(request, 200 if page else 404, page.encode(), ("Content-Type", "text/html"))

    def send(self, request: BaseHTTPRequestHandler, code: int, body: bytes, *headers: tuple[str, str]) -> None:
        try:
            request.send_response(code)
            for header in (*headers, ("Content-Length", str(len(body)))):
                request.send_header(*header)
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            return  # whoever asked was stopped

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def wheel() -> Callable[..., Path]:
    """Builds a wheel: folder, name, version, `requires`, `tag`."""
    return build_wheel


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index of the folder `served`."""
    yield from serving(tmp_path / "served")


@pytest.fixture
def builds(tmp_path: Path) -> Iterator[Index]:
    """Another index, of the folder `builds`."""
    yield from serving(tmp_path / "builds")


def serving(folder: Path) -> Iterator[Index]:
    folder.mkdir()
    served = Index(folder)
    yield served
    served.close()


@pytest.fixture(autouse=True)
def only_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip knows of no index, and of no settings of this machine, but of what a test tells it; and it gives up soon."""
    for name in list(os.environ):
        if name.upper().startswith("PIP_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("NO_PROXY", "")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python 3.11 that can make environments."""
    found = pythons.find(Place(tmp_path_factory.mktemp("nothing")))
    if found is None:
        pytest.skip("there is no Python 3.11 here")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A pyproject.toml that asks for the tiny packages alpha and beta."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    return path


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with alpha and beta."""
    folder = tmp_path / "wheels of the 人形"
    build_wheel(folder, "alpha", "1.0")
    build_wheel(folder, "beta", "2.0", requires=("alpha",))
    return folder
