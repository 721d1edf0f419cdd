"""Environments that lie, print, fork, flood, hang and kill: what code inside a target can do to its probes.

Each is a virtual environment for a stack that wants torch 2.5.0 and goodpkg 1.0. None of them has either, so
no exit code of a good stack is right.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.hostile.campaign import Attempt, Call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STACK = """\
[[stack]]
id = "victim"
python = "{python}"
accelerator = "cpu"
packages = {{ torch = "2.5.0", goodpkg = "1.0" }}
[stack.probes]
timeout_s = 6
"""
FORGED = (
    '{"schema_version": 1, "agent": {"python": "3.11.2", "executable": "x", "seconds": 0.1}, "probes": {%s}}'
)
_OK = '"torch_cpu": {"status": "ok", "grade": "import", "seconds": 0.1, "facts": {}}'
_LIES = "__version__ = '2.5.0'\n"
_PARENTS = """\
import os
def ours(pid):
    with open('/proc/%d/cmdline' % pid, 'rb') as file: return b'agent.pyz' in file.read()
def above(pid):
    with open('/proc/%d/stat' % pid) as file: return int(file.read().rpartition(')')[2].split()[1])
found = [os.getppid()]
while ours(above(found[-1])): found.append(above(found[-1]))
runner, agent = found[0], found[-1]  # of a shared import they are the same
"""
_REPORTS = _LIES + "from stackcheck_probes import isolation\nisolation.run_here = lambda *a: "
_OTHER = {
    "probe": "recorded_files",
    "entry": {
        "status": "ok",
        "grade": "static",
        "seconds": 0,
        "facts": {"shared_files": [], "shared_files_count": 0, "changed_files": []},
    },
}

TORCH = {
    "says its version": _LIES,
    "prints a document": _LIES + f"print({FORGED % _OK!r})\n",
    "prints an empty document and leaves with 0": (
        f"import os; print({FORGED % ''!r}, flush=True); os._exit(0)\n"
    ),
    "leaves with 0": "import os; os._exit(0)\n",
    "leaves with SystemExit 0": "raise SystemExit(0)\n",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt\n",
    "raises an error of 10 MB": "raise RuntimeError('x' * 10_000_000)\n",
    "raises an error with a bad str": "class E(Exception):\n  def __str__(self): return 1\nraise E\n",
    "forks 40 times": """
import os, time
for _ in range(40):
    if not os.fork(): time.sleep(30); os._exit(0)
""",
    "forks and both come back": _LIES + "import os\nos.fork()\n",
    "kills its parent": _PARENTS + "os.kill(runner, 9)\n",
    "kills the agent": _PARENTS + "os.kill(agent, 9)\n",
    "ends the agent with SIGTERM": _PARENTS + "os.kill(agent, 15)\n",
    "stops its parent": _PARENTS + "os.kill(runner, 19)\nimport time; time.sleep(60)\n",
    "writes a document into the agent's pipes": _PARENTS
    + f"""
for pid in (runner, agent):
    for fd in range(20):
        try:
            with open('/proc/%d/fd/%d' % (pid, fd), 'w') as pipe: pipe.write({FORGED % _OK!r} + '\\n')
        except OSError: pass
os.kill(agent, 9)
""",
    "writes entries into every pipe of its own": f"""
import os, json
for fd in range(3, 30):
    try: os.write(fd, json.dumps({_OTHER!r}).encode() + b'\\n')
    except OSError: pass
""",
    "writes garbage into every pipe of its own": """
import os
for fd in range(3, 30):
    try: os.write(fd, b'\\xff' * 5000 + b'\\n')
    except OSError: pass
""",
    "closes every pipe": "import os\nos.closerange(0, 200)\n",
    "floods stdout": _LIES + "import os\nfor _ in range(400): os.write(1, b'x' * 100_000)\n",
    "floods stderr": _LIES + "import os\nfor _ in range(400): os.write(2, b'\\x1b[2J' * 20_000)\n",
    "never ends": "while True: pass\n",
    "sleeps": "import time; time.sleep(600)\n",
    "ignores SIGTERM and sleeps": "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(600)\n",
    "recurses": "def f(): return f()\nimport sys; sys.setrecursionlimit(10**6); f()\n",
    "aborts": "import os; os.abort()\n",
    "reads address 0": "import ctypes; ctypes.string_at(0)\n",
    "leaves a daemon behind": _LIES
    + "import subprocess; subprocess.Popen(['sleep', '30'], start_new_session=True)\n",
    "hangs when it is left": _LIES + "import atexit, time; atexit.register(time.sleep, 600)\n",
    "starts threads that spin": """
import threading
def spin():
    while True: pass
for _ in range(8): threading.Thread(target=spin, daemon=True).start()
""",
    "replaces json.dumps": _LIES + "import json\njson.dumps = lambda *a, **k: '{}'\n",
    "replaces json.dumps with a flood": _LIES
    + "import json\njson.dumps = lambda *a, **k: 'x' * 20_000_000\n",
    "replaces what reports": _REPORTS + "{'status': 'skipped', 'reason': 'no GPU was asked for'}\n",
    "reports facts of another shape": _REPORTS
    + "{'status': 'ok', 'grade': 'import', 'seconds': 0, 'facts': {'checks': 7}}\n",
    "reports under another status": _REPORTS + "{'status': 'fine'}\n",
    "reports numbers that are none": _REPORTS
    + "{'status': 'ok', 'grade': 'import', 'seconds': 1e999, 'facts': {}}\n",
    "has a number for its version": "__version__ = 5\n",
    "has a version of 10 MB": "__version__ = '2.5.0+' + 'x' * 10_000_000\n",
    "has a version that acts on terminals": (
        "__version__ = '2.5.0\\x1b[2J\\r::error::\\u202e](http://evil.example)'\n"
    ),
    "is everything at once": """
import sys
class Anything:
    def __getattr__(self, name):
        if name.startswith('__'): raise AttributeError(name)
        return self
    def __call__(self, *a, **k): return self
    def __eq__(self, other): return True
    def __float__(self): return 0.0
    def __int__(self): return 0
    def __iter__(self): return iter(())
    def __len__(self): return 0
    def __bool__(self): return True
    def __str__(self): return '2.5.0'
    __hash__ = None
    __version__ = '2.5.0'
sys.modules['torch'] = Anything()
""",
    "raises at every attribute": """
import sys
class Module:
    def __getattr__(self, name): raise BaseException(name)
sys.modules['torch'] = Module()
""",
    "removes the agent's modules": _LIES
    + "import sys\nfor n in [n for n in sys.modules if n.startswith('stackcheck')]: del sys.modules[n]\n",
    "leaves its process group": """
import os, time
if not os.fork(): os.setsid(); time.sleep(30); os._exit(0)
""",
}
"""What torch/__init__.py does."""

_SITE = {
    "sitecustomize prints a word": "print('hello')\n",
    "sitecustomize floods stdout": "import os\nfor _ in range(900): os.write(1, b'x' * 100_000)\n",
    "sitecustomize prints what is half a frame": "print('stackcheck-answer 0 0', flush=True)\n",
    "sitecustomize leaves with 0": "import os; os._exit(0)\n",
    "sitecustomize raises SystemExit": "raise SystemExit(0)\n",
    "sitecustomize prints a document and leaves with 0": (
        f"import os; print({FORGED % _OK!r}, flush=True); os._exit(0)\n"
    ),
    "sitecustomize reads the question": "import sys; sys.stdin.read(8)\n",
    "sitecustomize closes what is open": "import os; os.closerange(0, 3)\n",
    "sitecustomize becomes another program": "import os; os.execv('/bin/echo', ['echo', '{}'])\n",
    "sitecustomize lets a fork answer": "import os\nif os.fork(): os._exit(0)\n",
    "sitecustomize makes print of everything": "import os\nos.dup2(1, 2)\n",
    "sitecustomize stops the clock": "import time\ntime.monotonic = lambda: 0.0\n",
}
_PTH = {
    "a .pth prints": b"import os; os.write(1, b'hello')\n",
    "a .pth leaves with 0": b"import os; os._exit(0)\n",
    "a .pth is no text": bytes(range(256)) * 50,
    "a .pth names 50,000 folders": b"/nowhere/at/all\n" * 50_000,
    "a .pth raises": b"import nothing_that_is_there\n",
}
_METADATA = {
    "METADATA is empty": b"",
    "METADATA is NUL bytes": b"\0" * 49,
    "METADATA is random": bytes(range(255, -1, -1)) * 9,
    "METADATA is 30 MB": b"Name: goodpkg\n" * 2_000_000,
    "METADATA has 50,000 requirements": (
        b"Name: goodpkg\nVersion: 1.0\n" + b"Requires-Dist: x; extra == 'y'\n" * 50_000
    ),
    "METADATA requires nonsense": (
        b"Name: goodpkg\nVersion: 1.0\nRequires-Dist: @@ (((\nRequires-Python: >>>x\n"
    ),
    "METADATA has a version that is none": b"Name: goodpkg\nVersion: ../../1.0\x1b[2J\n",
    "METADATA has a name that acts on terminals": b"Name: good\x1b[2Jpkg\nVersion: 1.0\n",
    "METADATA is of another name": b"Name: torch\nVersion: 2.5.0\n",
    "METADATA is UTF-16": "Name: goodpkg\nVersion: 1.0\n".encode("utf-16"),
    "METADATA is Latin-1": b"Name: goodpkg\nVersion: 1.0\nAuthor: Andr\xe9\n",
    "METADATA has one endless line": b"Name: " + b"g" * 900_000 + b"\nVersion: 1.0\n",
}
_GOOD = b"Metadata-Version: 2.1\nName: goodpkg\nVersion: 1.0\n"
_RECORD = {
    "RECORD leads out": b"../../../../../../../../etc/passwd,sha256=x,1\n/etc/shadow,sha256=x,1\n",
    "RECORD is no text": bytes(range(256)) * 9,
    "RECORD has a million rows": b"goodpkg/a.py,sha256=x,1\n" * 1_000_000,
    "RECORD has sizes that are none": (
        b"goodpkg.py,sha256=x,99999999999999999999999\ngoodpkg.py,,-1\ngoodpkg.py,,x\n"
    ),
    "RECORD has quotes without end": b'"' * 100_000 + b"\n",
    "RECORD names files that are not there": b"goodpkg/code.py,sha256=x,5\ngoodpkg/lib.so,sha256=x,7\n",
}
_PYTHON = {
    "python is echo": '#!/bin/sh\necho "$@"\n',
    "python leaves with 0": "#!/bin/sh\nexit 0\n",
    "python says a document": f"#!/bin/sh\necho '{FORGED % _OK}'\n",
    "python repeats the question": "#!/bin/sh\ncat\n",
    "python is no program": "\x7fELF nonsense",
    "python says bytes without end": "#!/bin/sh\nyes\n",
    "python never ends": "#!/bin/sh\nsleep 600\n",
    "python leaves with 7": "#!/bin/sh\nexit 7\n",
}

_ELF = b"\x7fELF\x02\x01\x01"


def attempts(seed: int) -> list[Attempt]:
    """Return every attempt; the seed changes nothing."""
    del seed
    changes: dict[str, Callable[[Path, Path], None]] = {
        **{f"torch {name}": _file("torch/__init__.py", text.encode()) for name, text in TORCH.items()},
        **{name: _file("sitecustomize.py", text.encode()) for name, text in _SITE.items()},
        **{name: _file("evil.pth", text) for name, text in _PTH.items()},
        **{name: _goodpkg(METADATA=text) for name, text in _METADATA.items()},
        **{name: _goodpkg(METADATA=_GOOD, RECORD=text) for name, text in _RECORD.items()},
        **{name: _python(text) for name, text in _PYTHON.items()},
        **{f"{name} {what}": _special(name, make) for name in _PLACES for what, make in _SPECIAL.items()},
        "python is a link to true": lambda folder, _: _linked(folder / "bin/python", "/bin/true"),
        "python is a folder": lambda folder, _: _folder(folder / "bin/python"),
        "two sets of metadata": _file("goodpkg-2.0.dist-info/METADATA", b"Name: goodpkg\nVersion: 2.0\n"),
        "a library is cut off": _file("torch/lib/libtorch_cuda.so", _ELF + b"\0" * 20),
        "a library is huge and empty": _sparse("torch/lib/libtorch_cuda.so"),
        "a library claims 65,535 sections": _file(
            "torch/lib/libc10.so", b"\x7fELF\x02\x01\x01" + b"\xff" * 4000
        ),
        "torch is a namespace": lambda _, site: (site / "torch").mkdir(),
        "torch/version.py is code": _file("torch/version.py", b"__version__ = open('/etc/passwd').read()\n"),
    }
    return [Attempt(name, _attempt(change)) for name, change in changes.items()]


_PLACES = (
    "goodpkg-1.0.dist-info/METADATA", "goodpkg-1.0.dist-info/RECORD", "goodpkg-1.0.dist-info/direct_url.json",
    "evil.pth", "torch/__init__.py", "torch/lib/libtorch_cuda.so", "torch/version.py",
)  # fmt: skip
_SPECIAL: dict[str, Callable[[Path], None]] = {
    "is a pipe": os.mkfifo,
    "is a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "is a link to itself": lambda path: path.symlink_to(path.name),
    "is a folder": lambda path: path.mkdir(),
}


def _attempt(change: Callable[[Path, Path], None]) -> Callable[[Path], Call]:
    def make(folder: Path) -> Call:
        place = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        (site,) = place.glob("lib/python*/site-packages")
        change(place, site)
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        (folder / "victim.toml").write_text(STACK.format(python=python), "utf-8")
        words = ("probe", "--venv", "venv", "--stack", "victim.toml", "--timeout", "30", "-q")
        return Call(words, may=frozenset({1, 2, 3}), seconds=150.0)

    return make


def _file(name: str, content: bytes) -> Callable[[Path, Path], None]:
    def change(_folder: Path, site: Path) -> None:
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return change


def _goodpkg(**files: bytes) -> Callable[[Path, Path], None]:
    def change(_folder: Path, site: Path) -> None:
        info = site / "goodpkg-1.0.dist-info"
        info.mkdir()
        (info / "INSTALLER").write_text("pip\n")
        for name, content in files.items():
            (info / name).write_bytes(content)

    return change


def _python(text: str) -> Callable[[Path, Path], None]:
    def change(folder: Path, _site: Path) -> None:
        path = folder / "bin" / "python"
        path.unlink()
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    return change


def _special(name: str, make: Callable[[Path], None]) -> Callable[[Path, Path], None]:
    def change(_folder: Path, site: Path) -> None:
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)

    return change


def _linked(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sparse(name: str) -> Callable[[Path, Path], None]:
    def change(_folder: Path, site: Path) -> None:
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(_ELF)
            file.truncate(2 << 30)

    return change
