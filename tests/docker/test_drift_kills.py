"""SIGKILL at random moments of verify in a real engine: no container, network, image or folder is left.

$STACKCHECK_TEST_KILLS says how many, by default a few; what 100 gave is in docs/drift.md.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.intake.catalog import load
from stackcheck.resolve.lockfile import read_lock
from stackcheck.storage.stack_files import lock_path
from stackcheck.targets.containers.sweep import sweep_engine
from stackcheck.targets.process.process_identity import LABEL, NOBODY, is_gone, parse_owner, this_process
from stackcheck.targets.process.temp_dirs import sweep_temp_folders
from tests.integration.index.conftest import running
from tests.integration.index.server import make_wheel
from tests.integration.test_drift_kills import kill_at, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

pytestmark = [pytest.mark.docker, pytest.mark.slow]

KILLS = int(os.environ.get("STACKCHECK_TEST_KILLS", "5"))
DEFINITION = """\
[[stack]]
id = "drift-kill"
python = "3.11"
platform = "linux/amd64"
glibc = "2.36"
index = {{ url = "{url}" }}
image = {{ base = "{base}" }}
packages = {{ alpha = "1.0" }}
"""


@pytest.fixture
def project(tmp_path: Path, base: str, client: docker.DockerClient) -> Iterator[Path]:
    with running() as server:
        server.add("main", make_wheel("alpha", "1.0", salt=str(tmp_path)))
        (tmp_path / "matrices").mkdir()
        text = DEFINITION.format(url=server.simple("main"), base=base)
        (tmp_path / "matrices" / "kill.toml").write_text(text)
        yield tmp_path
    for image in client.images.list(filters={"label": "stackcheck.stack=drift-kill"}):
        client.images.remove(str(image.id), force=True)


def ours(client: docker.DockerClient) -> list[Any]:
    """Return containers and nameless images of runs that are gone; other runs on the engine have theirs."""
    rows: list[Any] = client.api.containers(all=True, filters={"label": LABEL})
    rows += client.api.images(filters={"label": LABEL, "dangling": True})
    owners = ((row, row["Labels"][LABEL]) for row in rows)
    return [row for row, text in owners if text != NOBODY and is_gone(parse_owner(text), this_process(), 0.0)]


def test_verify_killed_at_any_moment(project: Path, client: docker.DockerClient) -> None:
    networks = {network["Id"] for network in client.api.networks()}
    volumes = {volume["Name"] for volume in client.api.volumes(filters={"dangling": True})["Volumes"] or ()}
    verify = ("verify", "drift-kill", "--engine", "docker", "--no-cache", "--network", "host")
    environ = {"DOCKER_HOST": os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")}
    whole(project, *verify, **environ)  # fills the caches
    longest = whole(project, *verify, **environ)
    dice = random.Random(KILLS)  # noqa: S311 - moments, not secrets
    (stack,) = load([project / "matrices"])
    struck = 0
    for _ in range(KILLS):
        moment = dice.uniform(0.05, longest)
        struck += kill_at(moment, project, *verify, **environ)
        sweep_engine(client)
        sweep_temp_folders(project / "cache")
        assert ours(client) == [], moment
        assert list((project / "cache" / "tmp").glob("*")) == [], moment
        assert {network["Id"] for network in client.api.networks()} <= networks, moment
        read_lock(lock_path(stack.model_copy(update={"file": str(project / "matrices" / "kill.toml")})))
    assert struck >= KILLS // 2, f"only {struck} of {KILLS} were still at work"
    whole(project, *verify, **environ)
    assert {
        volume["Name"] for volume in client.api.volumes(filters={"dangling": True})["Volumes"] or ()
    } <= volumes
