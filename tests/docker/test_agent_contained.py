"""The agent in a container as probes are run: no network, no rights, read-only, few processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck.probing import agent
from stackcheck.probing.observation import Observation, parse_observation

if TYPE_CHECKING:
    from pathlib import Path

    import docker

pytestmark = pytest.mark.docker

HEAD = 'GRADE = "import"\nimport os, time\n\ndef run(params):\n'
PROBES = {
    "a_good": HEAD + "    return {'uid': os.getuid()}\n",
    "b_memory": HEAD + "    kept = []\n    while True:\n        kept.append(bytearray(b'x' * (8 << 20)))\n",
    "c_bomb": HEAD + "    while True:\n        os.fork()\n",
    "d_spy": HEAD
    + """
    opened = []
    for pid in (1, os.getppid()):
        for name in ("mem", "fd/0", "environ", "maps"):
            try:
                open("/proc/%d/%s" % (pid, name), "rb").close()
            except PermissionError:
                continue
            opened.append("%d/%s" % (pid, name))
    return {"opened": opened, "own": open("/proc/self/environ", "rb").read(1) != b"", "pid": os.getppid()}
""",
    "z_good": HEAD + "    return {'uid': os.getuid()}\n",
}


@pytest.fixture(autouse=True)
def no_images_left() -> None:
    """Nothing is built here, so nothing is to be removed."""


def observe(
    client: docker.DockerClient, base: str, folder: Path, user: str = "1234:1234", **request: Any
) -> Observation:
    path = folder / "agent.pyz"
    path.write_bytes(agent.pack(PROBES))
    container = client.containers.create(
        base,
        ["python3", "/agent.pyz", json.dumps(request)],
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        pids_limit=64,
        mem_limit="192m",
        memswap_limit="192m",
        user=user,
        volumes={str(path): {"bind": "/agent.pyz", "mode": "ro"}},
    )
    try:
        container.start()
        assert container.wait(timeout=120)["StatusCode"] == 0, container.logs()
        return parse_observation(container.logs(stdout=True, stderr=False))
    finally:
        container.remove(force=True)


def test_a_container_s_limits_cost_the_probe_that_passes_them(
    client: docker.DockerClient, base: str, tmp_path: Path
) -> None:
    seen = observe(client, base, tmp_path, probes=list(PROBES), timeout_s=20)
    assert seen.facts("a_good") == {"uid": 1234}
    assert seen.facts("z_good") == {"uid": 1234}
    assert set(seen.failures) == {"b_memory", "c_bomb"}
    assert seen.failures["b_memory"].kind in {"memory", "signal"}
    assert seen.failures["b_memory"].signal == "SIGKILL"
    assert seen.failures["c_bomb"].kind in {
        "processes",
        "memory",
        "exception",
    }  # whichever limit is met first


@pytest.mark.parametrize("user", ["1234:1234", "0:0"])
def test_code_that_a_probe_imports_cannot_look_into_the_agent(
    client: docker.DockerClient, base: str, tmp_path: Path, user: str
) -> None:
    seen = observe(client, base, tmp_path, user=user, probes=["d_spy"], timeout_s=20).facts("d_spy")
    assert isinstance(seen, dict)
    assert seen["pid"] != 1
    assert (seen["opened"], seen["own"]) == ([], True)


def test_the_probes_of_the_machine_work_without_any_right(
    client: docker.DockerClient, base: str, tmp_path: Path
) -> None:
    seen = observe(client, base, tmp_path, probes=list(agent.MACHINE))
    assert seen.failures == {}
    system, interpreter = seen.facts("system"), seen.facts("interpreter")
    assert isinstance(system, dict)
    assert isinstance(interpreter, dict)
    assert system["container"] == "/.dockerenv"
    assert system["shm"]["bytes"] == 64 << 20
    assert interpreter["torches"] == []
    assert all(row["origin"] in {"stdlib", "site-packages"} for row in interpreter["path"])
