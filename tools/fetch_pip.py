"""Install pip into this virtual environment where Python has no ensurepip (Debian without python3-venv).

Takes the newest wheel of pip from the package index ($PIP_INDEX_URL, else PyPI), checks it against the hash
that the index states, and lets it install itself. Standard library only.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
WHEEL = re.compile(r'href="([^"#]*/(pip-(\d+(?:\.\d+)*)-py3-none-any\.whl))#sha256=([0-9a-f]{64})"')


def read(url: str) -> bytes:
    """Fetch a URL, at most 20 MB of it."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the user's own index
        content: bytes = answer.read(20_000_000)
    return content


def main() -> None:
    """Fetch, check, install."""
    found = WHEEL.findall(read(INDEX).decode())
    if not found:
        sys.exit(f"{INDEX} lists no wheel of pip; install python3-venv, or set PIP_INDEX_URL")
    url, name, _, sha256 = max(found, key=lambda row: [int(part) for part in row[2].split(".")])
    content = read(urllib.parse.urljoin(INDEX, url))
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(f"{name} does not have the hash that {INDEX} states; nothing was installed")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / name
        wheel.write_bytes(content)
        command = [sys.executable, str(wheel / "pip"), "install", "--quiet", "--no-index", str(wheel)]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
