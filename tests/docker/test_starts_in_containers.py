"""Each kind of made-up start once in a container: the host laid over it, the check as its first process."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.guard.startarchive import FLAGS, pack
from tests.starts import hosts
from tests.starts.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from tests.starts.hosts import Case

pytestmark = pytest.mark.docker

PLACE = "/host"
LAY_OVER = r"""set -e
cd /host
for name in $(ls -A); do
    case $name in dev | proc | sys | site-packages | expectation.json) ;; *) cp -a "$name" / ;; esac
done
[ ! -e /host/no-dockerenv ] || rm -f /.dockerenv
(cd dev && find . -type d -exec mkdir -p /dev/{} \; && find . -type f ! -name .keep -exec cp -a {} /dev/{} \;)
if [ -d proc ]; then mount -t tmpfs none /proc/driver; cp -a proc/driver/. /proc/driver/; fi
if [ -d sys ]; then mount -t tmpfs none /sys/class; cp -a sys/class/. /sys/class/; fi
for name in $REFUSED; do rm -f /dev/$name; mknod -m 666 /dev/$name c 195 250; done
[ ! -s etc/ld.so.conf ] || ldconfig
exec "$@"
"""
"""Lays the host over the container. A node that the device cgroup does not allow is really refused."""


def one_of_each_kind() -> list[Case]:
    """Return the first case of every kind and answer that a container can show."""
    found: dict[tuple[str, str], Case] = {}
    for case in CASES:
        other_error = any(word != "EPERM" for word in case.host.refused.values())
        if not case.cannot and not other_error:
            found.setdefault((case.kind, case.answer), case)
    return list(found.values())


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> hosts.Tools:
    return hosts.make_tools(tmp_path_factory.mktemp("tools"))


@pytest.fixture
def made() -> Iterator[list[Any]]:
    containers: list[Any] = []
    yield containers
    for container in containers:
        container.remove(force=True, v=True)


@pytest.mark.parametrize("case", one_of_each_kind(), ids=lambda case: case.id)
def test_a_start_in_a_container_is_judged_as_in_a_folder(
    case: Case, client: docker.DockerClient, base: str, tools: hosts.Tools, made: list[Any], tmp_path: Path
) -> None:
    folder = tmp_path / "host"
    hosts.lay_out(case, hosts.fresh(folder), tools, site=f"{PLACE}/site-packages")
    if ".dockerenv" not in case.host.files:
        hosts.write(folder / "no-dockerenv")
    hosts.write(folder / "stackcheck.pyz", pack())
    user = ["setpriv", f"--reuid={case.host.user}", f"--regid={case.host.user}", "--clear-groups"]
    whom = user if case.host.user else []
    check = [
        "python3",
        *FLAGS,
        f"{PLACE}/stackcheck.pyz",
        "entrypoint",
        "--expectation",
        f"{PLACE}/expectation.json",
    ]
    seconds = "20" if case.seconds == "5" else case.seconds
    container = client.containers.create(
        base,
        entrypoint=["/bin/sh", "-c", LAY_OVER, "sh"],
        command=[*whom, *check, "--", "echo", "running"],
        environment={
            "STACKCHECK_FORMAT": "json",
            "STACKCHECK_TIMEOUT": seconds,
            "FAKE_NVML": case.host.nvml,
            "REFUSED": " ".join(case.host.refused),
            **case.environ,
        },
        cap_add=["SYS_ADMIN"],
        security_opt=["apparmor=unconfined"],
        network_mode="none",
        shm_size="128m",
    )
    made.append(container)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, arcname=PLACE)
    container.put_archive("/", packed.getvalue())
    shutil.rmtree(folder)
    container.start()
    code = int(container.wait(timeout=120)["StatusCode"])
    said = container.logs(stdout=False, stderr=True).decode()
    assert said.startswith("{"), said
    document = json.loads(said.splitlines()[0])
    assert hosts.differences(case, document) == []
    assert code == document["exit_code"]
    assert container.logs(stdout=True, stderr=False) == (b"running\n" if case.answer == "healthy" else b"")
