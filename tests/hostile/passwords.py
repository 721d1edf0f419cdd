"""Passwords with every printable character, and places that would have the credentials of others.

The first meet an index that answers, so that stackcheck has something to say of each setting; the second name
a place that is nearly the one whose credentials the user has stated, and write down what they are sent.
"""

from __future__ import annotations

import http.server
import string
import threading
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.hostile.campaign import Attempt, Call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VARIABLES = (
    "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS",
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "HTTPS_PROXY", "HTTP_PROXY",
)  # fmt: skip
CHARACTERS = tuple(each for each in string.printable if each.isprintable())
FORMS = ("text", "json", "html", "markdown", "sarif", "junit", "github")
FIRST, LAST = "S3CR3TqX", "Zw9PWend"
ANY = frozenset({0, 1, 2, 3})
_STACK = '[[stack]]\nid = "one"\npython = "3.11"\npackages = {{ goodpkg = "1.0" }}\nindex = {{ {index} }}\n'


class Server:
    """An index with nothing in it, or one that redirects; it keeps the credentials that it is sent."""

    def __init__(self, redirect: str = "") -> None:
        self.sent: list[str] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if word := self.headers.get("Authorization"):
                    server.sent.append(f"{self.headers['Host']}{self.path}: {word}")
                self.send_response(302 if redirect else 404)
                if redirect:
                    self.send_header("Location", f"{redirect}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def attempts(seed: int) -> list[Attempt]:
    """Return each character raw and quoted, variables and formats going round; then the places."""
    found = []
    for number, sign in enumerate(CHARACTERS):
        variable = VARIABLES[(number + seed) % len(VARIABLES)]
        form = FORMS[(number // len(VARIABLES) + seed) % len(FORMS)]
        for quoted in (False, True):
            name = f"{variable} {'quoted' if quoted else 'raw'} {sign!r}"
            found.append(Attempt(name, _with(variable, sign, form, quoted=quoted)))
    return found + [Attempt(name, make) for name, make in _places().items()]


def _with(variable: str, sign: str, form: str, *, quoted: bool) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        server = Server()
        _wheel(folder)
        (folder / "one.toml").write_text(_STACK.format(index='find_links = ["."]'), "utf-8")
        password = f"{FIRST}{sign}{LAST}"
        shown = quote(password, safe="") if quoted else password
        url = f"http://us3rName:{shown}@127.0.0.1:{server.port}/simple"
        words = ["check", "one.toml", "--format", form, "--debug"]
        environ = {"UV_DEFAULT_INDEX": f"http://127.0.0.1:{server.port}/other", variable: url}
        return Call(words, may=ANY, secrets=(FIRST, LAST), environ=environ, clean_up=server.close)

    return make


def _wheel(folder: Path) -> None:
    info = "goodpkg-1.0.dist-info"
    members = {
        "METADATA": "Metadata-Version: 2.1\nName: goodpkg\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / "goodpkg-1.0-py3-none-any.whl", "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{info}/{name}", text)


def _places() -> dict[str, Callable[[Path], Call]]:
    """Return definitions that name a place beside the one whose credentials the environment states."""
    stated = "http://127.0.0.1:{mine}/team-a/simple"
    by_name = {
        "UV_INDEX": f"local={stated}",
        "UV_INDEX_LOCAL_USERNAME": "bob",
        "UV_INDEX_LOCAL_PASSWORD": FIRST,
    }
    in_url = {"UV_INDEX_URL": stated.replace("//", f"//bob:{FIRST}@")}
    by_place = {
        "UV_INDEX_HTTP_127_0_0_1____{mine}__TEAM___A__SIMPLE_USERNAME": "bob",
        "UV_INDEX_HTTP_127_0_0_1____{mine}__TEAM___A__SIMPLE_PASSWORD": FIRST,
    }
    begins = {"UV_INDEX_LOCAL_USERNAME": "bob", "UV_INDEX_LOCAL_PASSWORD": FIRST}
    begins |= {"UV_INDEX_127_USERNAME": "bob", "UV_INDEX_127_PASSWORD": FIRST}
    environs = {"by name": by_name, "in a URL": in_url, "by place": by_place, "by a beginning": begins}
    others = {
        "another port": "http://127.0.0.1:{other}/team-a/simple",
        "another name of the machine": "http://localhost:{other}/team-a/simple",
        "another path": "http://127.0.0.1:{other}/team-a/simpler",
        "a path of the same letters": "http://127.0.0.1:{other}/team/a/simple",
        "a place that the stated one redirects to": stated,
    }
    keys = {"an index": 'extra = ["{url}"]', "a page": 'find_links = ["{url}"]'}

    def make(environ: dict[str, str], other: str, key: str) -> Callable[[Path], Call]:
        def made(folder: Path) -> Call:
            theirs = Server()
            mine = Server(redirect=f"http://127.0.0.1:{theirs.port}")
            empty = Server()
            ports = {"mine": mine.port, "other": theirs.port}
            _wheel(folder)
            index = key.format(url=other.format(**ports)) + f', url = "http://127.0.0.1:{empty.port}/simple"'
            (folder / "one.toml").write_text(_STACK.format(index=index), "utf-8")

            def close() -> None:
                for each in (mine, theirs, empty):
                    each.close()

            return Call(
                ("check", "one.toml", "--format", "json"),
                may=ANY,
                secrets=(FIRST,),
                environ={name.format(**ports): value.format(**ports) for name, value in environ.items()},
                clean_up=close,
                leaks=lambda: [*theirs.sent, *empty.sent],
            )

        return made

    return {
        f"{what} as {place}, credentials {way}": make(environ, other, key)
        for way, environ in environs.items()
        for place, other in others.items()
        for what, key in keys.items()
    }
