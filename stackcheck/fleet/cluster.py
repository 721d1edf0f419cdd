"""Tasks on a Ray cluster: Ray chooses among the nodes that were found fit, and tells what became of them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackcheck import __version__
from stackcheck.fleet.handing import Handed, build, locks_for, take
from stackcheck.fleet.nodes import Node, look
from stackcheck.fleet.work import Answer, Assigned, Ended, Group, How, Secrets, answered, settled
from stackcheck.model.errors import EngineError, UsageError
from stackcheck.model.escape import one_line
from stackcheck.model.redact import redact, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stackcheck.intake.stack import Stack
    from stackcheck.steps.options import Options

WITHOUT_RAY = (
    "Ray is not installed here: pip install 'stackcheck[fleet]', or take --jobs N, which needs no Ray."
)
_NODE_ID = "ray.io/node-id"
_TRIES = 3
"""How often a task is started whose node died; what ends otherwise is not tried again."""
_WAIT_S, _LOOK_S, _END_S, _REACH_S = 2.0, 120.0, 15.0, 10.0
_NOTICE_S = 1.0
"""The cluster needs a moment to notice that a node is gone."""
_STORE = 200_000_000
"""Bytes of the object store of a Ray that is started here: one node hands no images on."""
_AHEAD = 4
"""Groups that Ray is given for each core of the cluster: it starts them, the rest waits here."""
_ENVIRON = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
"""What Ray reads when it starts: no reports to others, and no hiding of GPUs from tasks that need none."""


class Cluster:
    """A Ray cluster: the one at an address, or one that is started here and ends with the call."""

    def __init__(
        self, address: str, how: How, secrets: Secrets, *, cpus: float = 1.0, carry: Path | None = None
    ) -> None:
        """Connect. Raises UsageError without Ray, EngineError where no cluster answers."""
        for name, value in _ENVIRON.items():
            os.environ.setdefault(name, value)
        if address.startswith("ray://") and _has_token():
            os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray's client does not look for it by itself
        try:
            import ray  # noqa: PLC0415 - a second, and an extra
        except ImportError:
            raise UsageError(WITHOUT_RAY) from None
        logging.getLogger("ray").setLevel(logging.ERROR)
        self._ray, self._how, self._secrets, self._cpus = ray, how, secrets, cpus
        self._at_work: dict[Any, Group] = {}
        how_to: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if not address:  # its own, even where another one runs on this machine
            how_to |= {"address": "local", "include_dashboard": False, "object_store_memory": _STORE}
        elif address.startswith("ray://"):
            how_to = {"address": address}
        else:
            how_to["address"] = address
        if carry:
            how_to["runtime_env"] = {"working_dir": str(carry)}
        _require_listener(address)
        at_end = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(**how_to)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            where = address or "this machine"
            raise EngineError(f"no Ray cluster answers at {where}: {one_line(error, 300)}.") from None
        finally:
            signal.signal(signal.SIGTERM, at_end)  # Ray takes it, and would end without cleaning up
        self._look, self._answer, self._build = map(ray.remote, (_looked, _answered, _built))
        self._images: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))

    def nodes(self) -> tuple[Node, ...]:
        """Look at every node by a task on it, all at the same time."""
        rows = [row for row in self._ray.nodes() if row["Alive"]]
        asked = {row["NodeID"]: self._on(self._look, [row["NodeID"]], num_cpus=0).remote() for row in rows}
        names = Counter(_hostname(row) for row in rows)
        until = time.monotonic() + _LOOK_S
        found = [self._node(row, asked[row["NodeID"]], names, until) for row in rows]
        return tuple(sorted(found, key=lambda node: node.name))

    def run(self, groups: Sequence[Group], gpus: int = 0) -> Iterator[Ended]:
        """Yield how groups end, as they end; a group whose node died is started again where it may run."""
        del gpus
        waiting: dict[tuple[str, ...], deque[Group]] = {}
        for group in groups:
            waiting.setdefault(group.nodes, deque()).append(group)
        tries = Counter[int]()
        wanted = Counter(_image_key(group) for group in groups if group.builders)
        while any(waiting.values()) or self._at_work:
            alive = self._alive()
            for queue in waiting.values():
                yield from self._filled(queue, alive, tries)
            if not self._at_work:
                continue
            ready = self._ended()
            for ref in ready:
                group = self._at_work.pop(ref)
                ended, node_died = self._taken(ref, group)
                if node_died and tries[group.number] < _TRIES:
                    time.sleep(_NOTICE_S)
                    waiting[group.nodes].append(group)
                    continue
                wanted[_image_key(group)] -= 1
                if not wanted[_image_key(group)]:  # nobody needs the image any more: let go of its pieces
                    self._images.pop(_image_key(group), None)
                yield ended
            if not ready:
                yield from self._stranded(alive)

    def _ended(self) -> list[Any]:
        """Return what has ended of what is at work, after a moment at most."""
        try:
            ready, _ = self._ray.wait([*self._at_work], num_returns=1, timeout=_WAIT_S)
        except SystemExit:  # Ray says 1, whatever the handler of SIGTERM said
            raise SystemExit(128 + signal.SIGTERM) from None
        return list(ready)

    def _filled(self, queue: deque[Group], alive: set[str], tries: Counter[int]) -> Iterator[Ended]:
        """Give Ray as many groups of a queue as keep its nodes busy; yield those that no node is left for.

        There is a queue for each choice of nodes, so that a long one for one GPU holds no other up.
        """
        started = Counter(group.nodes for group in self._at_work.values())
        while queue and started[queue[0].nodes] < self._most:
            group = queue.popleft()
            nodes = [each for each in group.nodes if each in alive]
            if not nodes:
                yield Ended(group.number, None, _gone(group))
                continue
            tries[group.number] += 1
            self._start(group, nodes, self._image(group, alive, again=tries[group.number] > 1))
            started[group.nodes] += 1

    def close(self) -> None:
        """End what is at work on every node, with all that it started, and leave the cluster."""
        for ref in self._at_work:
            with suppress(Exception):
                self._ray.cancel(ref, force=False)
        if self._at_work:
            with suppress(Exception):
                self._ray.wait([*self._at_work], num_returns=len(self._at_work), timeout=_END_S)
        self._at_work.clear()
        self._ray.shutdown()

    def _start(self, group: Group, nodes: Sequence[str], handed: Any) -> None:
        wants = {"num_cpus": self._cpus, "num_gpus": 1 if group.gpu else 0}
        ref = self._on(self._answer, nodes, **wants).remote(group.work, self._how, self._secrets, handed)
        self._at_work[ref] = group

    def _image(self, group: Group, alive: set[str], *, again: bool) -> Any:
        """Return what will be the image of a group, built once for all that have the same nodes for it.

        None where each builds for itself: there is no other node, or the one that built has died.
        """
        builders = tuple(each for each in group.builders if each in alive)
        if again or not builders:
            return None
        key = _image_key(group)
        if key not in self._images:
            task = self._on(self._build, builders, num_cpus=self._cpus)
            self._images[key] = task.remote(group.work[0].stack, self._how, self._secrets)
        return self._images[key]

    @staticmethod
    def _on(function: Any, nodes: Sequence[str], **wants: float) -> Any:
        """Return a task that Ray starts on one of the nodes, and never again by itself."""
        return function.options(label_selector={_NODE_ID: f"in({','.join(nodes)})"}, max_retries=0, **wants)

    def _taken(self, ref: Any, group: Group) -> tuple[Ended, bool]:
        """Return how a group ended, and whether that was because its node died."""
        errors = self._ray.exceptions
        try:
            answer: Answer = self._ray.get(ref)
        except (errors.NodeDiedError, errors.LocalRayletDiedError, errors.TaskUnschedulableError):
            return Ended(group.number, None, "the nodes that it was tried on died"), True
        except errors.OutOfMemoryError:
            return Ended(group.number, None, "Ray ended it, because its node was out of memory"), False
        except errors.WorkerCrashedError:
            return Ended(group.number, None, "its process on the node was killed or crashed"), False
        except errors.RayError as error:
            told = redact(str(error).strip(), secrets_of(self._secrets.variables))
            return Ended(group.number, None, f"Ray could not run it: {one_line(told[-400:], 400)}"), False
        return Ended(group.number, answer), False

    def _stranded(self, alive: set[str]) -> Iterator[Ended]:
        """Yield the groups that Ray would wait for without an end: no node that may take them is there."""
        for ref, group in list(self._at_work.items()):
            if alive.isdisjoint(group.nodes):
                self._ray.cancel(ref, force=True)
                del self._at_work[ref]
                yield Ended(group.number, None, _gone(group))

    def _alive(self) -> set[str]:
        return {row["NodeID"] for row in self._ray.nodes() if row["Alive"]}

    def _node(self, row: dict[str, Any], asked: Any, names: Counter[str], until: float) -> Node:
        name, resources = _hostname(row), row["Resources"]
        shown = f"{name} ({row['NodeID'][:6]})" if names[name] > 1 else name
        cores, slots = resources.get("CPU", 0.0), int(resources.get("GPU", 0))
        try:
            fields = self._ray.get(asked, timeout=max(1.0, until - time.monotonic()))
        except self._ray.exceptions.GetTimeoutError:
            fields = {"problem": f"it did not answer within {_LOOK_S:.0f} s"}
        except self._ray.exceptions.RayError as error:
            fields = {"problem": _not_looked_at(str(error))}
        if not fields.get("problem"):
            fields |= _unfit(fields, cores, self._cpus, slots)
        return Node(id=row["NodeID"], name=shown, cpus=cores, slots=slots, **fields)


def _has_token() -> bool:
    """Tell whether there is a token of a cluster that asks for one, where Ray looks for it.

    Source: https://docs.ray.io/en/latest/ray-security/token-auth.html, checked 2026-11-30.
    """
    stated = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    return bool(stated) or (Path.home() / ".ray" / "auth_token").is_file()


def _require_listener(address: str) -> None:
    """Raise EngineError where nobody listens at HOST:PORT: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").partition("/")[0].rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(f"no Ray cluster answers at {address}: {one_line(error, 200)}.") from None


def _looked() -> dict[str, Any]:
    return look()


def _built(stack: Stack, how: How, secrets: Secrets) -> Handed | None:
    """Build the image of a stack on a node, for others; the pieces of it stay in its part of the store."""
    import ray  # noqa: PLC0415 - on a node, where it is

    with settled(how, secrets, "") as options:
        return build(stack, options, how.registry, ray.put)


def _answered(work: tuple[Assigned, ...], how: How, secrets: Secrets, handed: Handed | None) -> Answer:
    import ray  # noqa: PLC0415 - on a node, where it is

    def taken(options: Options, folder: Path) -> Options:
        if handed is None:
            return options
        with suppress(EngineError, ray.exceptions.RayError):  # then it is built here
            take(handed, options, ray.get)
            locks = locks_for(handed, work[0].stack, folder) or options.locks
            return replace(options, locks=locks, build=replace(options.build, no_cache=False))
        return options

    gpus = ray.get_gpu_ids()
    answer = answered(work, how, secrets, str(gpus[0]) if gpus else "", taken)
    return answer._replace(node=ray.get_runtime_context().get_node_id())


def _hostname(row: dict[str, Any]) -> str:
    return str(row.get("NodeManagerHostname") or row.get("NodeManagerAddress") or row["NodeID"][:6])


def _unfit(fields: dict[str, Any], cores: float, needed: float, slots: int) -> dict[str, Any]:
    """Return why a node takes no tasks, or none with a GPU."""
    if fields["version"] != __version__:
        return {"problem": f"it has stackcheck {fields['version']}, this is {__version__}"}
    if cores < needed:
        return {"problem": f"Ray has {cores:g} cores to give there, and a task takes {needed:g}"}
    if fields.get("gpu") and not slots:
        return {"note": "Ray has no GPU to give there: start it with --num-gpus"}
    return {}


def _not_looked_at(error: str) -> str:
    if "ModuleNotFoundError" in error and "stackcheck" in error:
        return f"stackcheck is not installed there: install stackcheck {__version__}"
    return f"it could not be looked at: {one_line(error.strip()[-300:], 300)}"


def _image_key(group: Group) -> tuple[str, tuple[str, ...]]:
    """Return what groups that share an image have in common."""
    return group.work[0].stack.title, group.builders


def _gone(group: Group) -> str:
    return f"no node that {'has its GPU' if group.gpu else 'may take it'} is left"
