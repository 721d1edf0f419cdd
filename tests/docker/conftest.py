"""What the tests of the real engine share: a client, a cache of their own, a wheel that needs no index."""

from __future__ import annotations

import base64
import hashlib
import http.server
import os
import ssl
import subprocess
import threading
import uuid
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
from packaging.version import Version

from stackcheck.intake.stack import Stack
from stackcheck.model.resolution import LockedPackage, Resolution
from stackcheck.targets import BuildOptions
from stackcheck.targets.containers.docker import DockerEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE = os.environ.get("STACKCHECK_TEST_BASE", "stackcheck-test-base:bookworm")
STACK = "tiny-py311"


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """Return a client; with --docker, an engine that is missing is a failure."""
    connected = docker.from_env()
    connected.ping()
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def base(client: docker.DockerClient) -> str:
    client.images.get(BASE)
    return BASE


@pytest.fixture(autouse=True)
def no_images_left(client: docker.DockerClient) -> Iterator[None]:
    """Remove the images that a test has built; those of other runs on the same engine stay."""
    yield
    ours = [f"stackcheck/{STACK}", "stackcheck-test-empty"]
    for image in [each for name in ours for each in client.images.list(name=name)]:
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    """Return options under which nothing of this machine's settings takes part."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return BuildOptions(cache=tmp_path / "cache", environ=environ)


@pytest.fixture(params=["buildkit", "without-buildkit"])
def engine(request: pytest.FixtureRequest) -> Iterator[DockerEngine]:
    """Return the engine twice: with the BuildKit of a docker CLI, and without."""
    made = DockerEngine.start(Path(), dict(os.environ), use_buildkit=request.param == "buildkit")
    assert made.capabilities.build_secrets == (request.param == "buildkit"), (
        "this test needs a docker CLI with BuildKit"
    )
    yield made
    made.close()


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., LockedPackage]:
    """Return a function that makes a wheel in a local folder and locks it.

    Each is unlike any other, so that the build cache of the engine does not know it.
    """

    def make(name: str = "tinypkg", tag: str = "py3-none-any", **files: str) -> LockedPackage:
        folder = tmp_path / "wheels"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}-1.0-{tag}.whl"
        info = f"{name}-1.0.dist-info"
        texts = {
            f"{module}.py": text
            for module, text in (files or {name: f"VALUE = {uuid.uuid4().hex!r}\n"}).items()
        } | {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        record = "".join(f"{entry},,\n" for entry in [*texts, f"{info}/RECORD"])
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in (texts | {f"{info}/RECORD": record}).items():
                archive.writestr(zipfile.ZipInfo(entry), text)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return LockedPackage(name, Version("1.0"), path.name, path.as_uri(), sha256=digest)

    return make


@pytest.fixture
def make_stack(base: str) -> Callable[..., Stack]:
    """Return a function that makes a stack on the test base."""

    def make(**fields: Any) -> Stack:
        image = {"base": base, **fields.pop("image", {})}
        return Stack.model_validate({"id": STACK, "python": "3.11", "image": image, **fields})

    return make


@pytest.fixture
def lock() -> Callable[..., Resolution]:
    """Return a function that makes a resolution of packages."""
    return lambda *packages: Resolution(packages, "3.11", "x86_64-manylinux_2_28", "0.13.8", "")


@dataclass
class PrivateIndex:
    """A server with TLS of an unknown authority and a password, and the wheel that it serves."""

    certificate: Path
    package: LockedPackage
    password: str = "pass-8c1e-word"
    served: list[str] = field(default_factory=list)
    hang: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    plain_url: str = ""


@pytest.fixture
def private_index(tmp_path: Path, make_wheel: Callable[..., LockedPackage]) -> Iterator[PrivateIndex]:
    """Serve a wheel on 127.0.0.1; with `hang`, requests are taken and never answered.

    `asked` tells that a request has come, `gone` that the one who asked has gone away.
    """
    key, certificate = tmp_path / "key.pem", tmp_path / "ca.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=stackcheck test", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    wheel = make_wheel()
    index = PrivateIndex(certificate, wheel)
    expected = "Basic " + base64.b64encode(f"me:{index.password}".encode()).decode()
    content = (tmp_path / "wheels" / wheel.filename).read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.set()
            if index.hang:
                self.connection.settimeout(0.2)
                while not stop.is_set() and not index.gone.is_set():
                    with suppress(TimeoutError):
                        if not self.connection.recv(1):
                            index.gone.set()
                return
            allowed = self.headers.get("Authorization") == expected
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Length", str(len(content) if allowed else 0))
            self.end_headers()
            if allowed:
                index.served.append(wheel.filename)
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    stop = threading.Event()
    server, plain = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threads = [threading.Thread(target=each.serve_forever, daemon=True) for each in (server, plain)]
    for thread in threads:
        thread.start()
    index.plain_url = f"http://127.0.0.1:{plain.server_port}/{wheel.filename}"
    index.package = replace(wheel, url=f"https://127.0.0.1:{server.server_port}/{wheel.filename}")
    yield index
    stop.set()
    for each, thread in zip((server, plain), threads, strict=True):
        each.daemon_threads = True
        each.shutdown()
        each.server_close()
        thread.join()
