"""The parts of a start: expectations as files, devices and their names, the screen, driver files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stackcheck_probes.judging import devices
from stackcheck_probes.judging.judgement import Judgement
from stackcheck_probes.machine import driverfiles, torchfile
from stackcheck_probes.probes import stamps
from stackcheck_probes.start import causes, expectation, startlook
from stackcheck_probes.start.causes import Cause
from stackcheck_probes.start.entrypoint import Call
from tests.unit.probes.start_facts import EXPECTED, L4, T4

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


class TestExpectation:
    def test_it_reads_what_was_written(self, tmp_path: Path) -> None:
        path = write(tmp_path / "e.json", json.dumps(EXPECTED))
        assert expectation.load(str(path)) == json.loads(json.dumps(EXPECTED))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is not JSON: Expecting value"),
            ("{", "is not JSON: Expecting property name"),
            ('{"a": 1} x', "is not JSON: Extra data"),
            ("[" * 100_000, "is not JSON: "),
            (b"\xff", "is not JSON: 'utf-8' codec"),
            ("[]", "cannot be used: it is not an object"),
            ("{}", "cannot be used: its schema_version is None, this agent reads 1: bake the image again"),
            ('{"schema_version": 1}', "cannot be used: stack is missing"),
            (json.dumps(dict(EXPECTED, codes={})), "cannot be used: codes is of a wrong type"),
        ],
    )
    def test_what_is_none_is_told(self, tmp_path: Path, content: bytes | str, message: str) -> None:
        path = write(tmp_path / "e.json", content)
        with pytest.raises(expectation.ExpectationError) as told:
            expectation.load(str(path))
        assert f"{path} {message}" in str(told.value)

    def test_a_file_that_is_missing_a_folder_or_too_large(self, tmp_path: Path) -> None:
        with pytest.raises(expectation.ExpectationError, match="cannot be read: No such file"):
            expectation.load(str(tmp_path / "none"))
        with pytest.raises(expectation.ExpectationError, match="cannot be read: Is a directory"):
            expectation.load(str(tmp_path))
        large = tmp_path / "large"
        with large.open("wb") as file:
            file.truncate(expectation.MAX_BYTES + 1)
        with pytest.raises(expectation.ExpectationError, match="is larger than 16777216 bytes"):
            expectation.load(str(large))

    def test_it_lies_beside_the_agent(self, tmp_path: Path) -> None:
        beside = write(tmp_path / "expectation.json", "{}")
        assert expectation.beside(str(tmp_path / "stackcheck.pyz")) == str(beside)
        assert expectation.beside("/nowhere/stackcheck.pyz") == "/opt/stackcheck/expectation.json"


class TestDevices:
    def test_visible(self) -> None:
        both = [L4, T4]
        assert devices.visible(both, None, None) == (both, True, None)
        assert devices.visible(both, "1", "PCI_BUS_ID")[:2] == ([T4], True)
        assert devices.visible(both, "1", None)[:2] == (both, False)
        assert devices.visible([L4, L4], "1", None)[:2] == ([L4], True)
        assert devices.visible(both, "GPU-b,GPU-a", None)[:2] == ([T4, L4], True)
        assert devices.visible(both, "GPU-b,x,GPU-a", None)[:2] == ([T4], True)
        sliced = [dict(L4, mig=True, mig_devices=["MIG-1"])]
        assert devices.visible(sliced, "MIG-GPU-a/1/0", None)[:2] == (sliced, True)

    def test_what_is_not_known_of_the_devices_is_not_judged(self) -> None:
        nameless = [dict(L4, uuid=None)]
        found, certain, judged = devices.visible(nameless, "GPU-a", None)
        assert (found, certain, judged and judged.outcome) == (nameless, False, "SKIP")
        untold = [dict(L4, mig=True, mig_devices=None)]
        judged = devices.visible(untold, "MIG-1", None)[2]
        assert judged is not None
        assert judged.outcome == "SKIP"

    @pytest.mark.parametrize(
        ("name", "capability"),
        [("NVIDIA L4", "8.9"), ("NVIDIA A100-SXM4-80GB", "8.0"), ("Tesla T4", "7.5"), ("NVIDIA X", None)],
    )
    def test_the_capability_of_a_name(self, name: str, capability: str | None) -> None:
        products = {"l4": "8.9", "a100": "8.0", "a100 sxm4 80gb": "8.0", "t4": "7.5", "l40": "8.9"}
        assert devices.capability_of_name(name, products) == capability


def some(number: int, outcome: str = "FAIL", kind: str = "driver") -> list[Cause]:
    return [Cause(kind, Judgement(outcome, f"message {i}", hint=f"do {i}")) for i in range(number)]


class TestScreen:
    def test_one_screen_ranked(self) -> None:
        found = causes.ranked(
            [
                *some(1, "SKIP", "gpu-code"),
                *some(1, "WARN", "shared-memory"),
                *some(1, "ERROR", "versions"),
                *some(1, "FAIL", "libraries"),
                *some(1, "FAIL", "driver"),
                *some(1, "PASS"),
            ]
        )
        assert causes.render_text(found, "s", ": not started", 0.0123) == (
            "stackcheck: s is misconfigured (12 ms): not started\n"
            "  1. FAIL driver: message 0.\n     fix: do 0\n"
            "  2. FAIL libraries: message 0.\n     fix: do 0\n"
            "  3. ERROR versions: message 0.\n     fix: do 0\n"
            "  4. WARN shared-memory: message 0.\n     fix: do 0\n"
            "   - note: message 0.\n"
        )
        assert causes.answer(found) == 1
        assert causes.answer(some(1, "ERROR")) == 3
        assert causes.answer([*some(1, "WARN"), *some(1, "SKIP")]) == 0

    def test_it_stays_one_screen_and_json_has_all(self) -> None:
        found = [*some(50), *some(50, "SKIP")]
        text = causes.render_text(found, "s", "", 0.0)
        assert len(text.splitlines()) < 24
        assert "     and 42 more (STACKCHECK_FORMAT=json shows all)" in text
        assert "   - and 47 more notes" in text
        line = causes.render_json(found, "s", "enforce", starts=False, seconds=0.1)
        assert line.count("\n") == 1
        document = json.loads(line)
        assert len(document["causes"]) == 100
        assert (document["answer"], document["exit_code"], document["starts"]) == ("misconfigured", 1, False)

    def test_text_from_files_cannot_forge_a_line(self) -> None:
        forged = [Cause("driver", Judgement("FAIL", "a\nstackcheck: s is healthy\x1b[2J" + "x" * 2000))]
        text = causes.render_text(forged, "s\n", "", 0.0)
        assert len(text.splitlines()) == 2
        assert "a\\nstackcheck: s is healthy\\x1b[2J" in text
        assert len(text) < 800


class TestCall:
    def test_what_the_environment_says(self) -> None:
        call = Call(["--", "a", "--b"], {})
        assert (call.command, call.policy, call.check, call.json, call.seconds) == (
            ["a", "--b"],
            "enforce",
            False,
            False,
            10.0,
        )
        assert Call([], {}).check
        assert Call(["--check", "a"], {}).check
        assert Call(["--expectation", "f", "a"], {}).expectation == "f"
        assert Call(["--wrong"], {}).wrong == "--wrong is not an option"
        assert Call(["a"], {"STACKCHECK_TIMEOUT": "x"}).seconds == 10.0
        assert Call(["a"], {"STACKCHECK_TIMEOUT": "1e9"}).seconds == 600.0

    def test_a_setting_that_is_none_is_told_and_the_strict_one_holds(self) -> None:
        call = Call(["a"], {"STACKCHECK_POLICY": "warning", "STACKCHECK_CPU": "yes"})
        assert call.policy == "enforce"
        assert call.cpu == ""
        assert call.settings == [
            "STACKCHECK_POLICY='warning' is not one of enforce, warn, off; enforce holds",
            "STACKCHECK_CPU='yes' is not one of allow, refuse; what the image says holds",
        ]

    @pytest.mark.parametrize(
        ("policy", "code", "starts"),
        [
            ("enforce", 0, True),
            ("enforce", 1, False),
            ("enforce", 3, False),
            ("warn", 1, True),
            ("warn", 3, True),
        ],
    )
    def test_what_is_started(self, policy: str, code: int, starts: bool) -> None:
        assert Call(["a"], {"STACKCHECK_POLICY": policy}).starts(code) is starts


class TestFiles:
    def test_a_stamp_tells_another_file(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.so", b"x" * 10_000)
        before = stamps.stamp(str(path))
        assert before is not None
        assert before[0] == 10_000
        assert stamps.stamp(str(write(tmp_path / "b.so", b"x" * 10_000))) == before
        for content in (b"y" + b"x" * 9_999, b"x" * 9_999 + b"y", b"x" * 10_001, b""):
            assert stamps.stamp(str(write(path, content))) != before
        assert stamps.stamp(str(tmp_path)) is None
        assert stamps.stamp(str(tmp_path / "none")) is None

    def test_the_probe_stamps_every_binary(self, tmp_path: Path) -> None:
        write(tmp_path / "p/a.so", b"x")
        write(tmp_path / "p/a.py", b"x")
        facts = stamps.run({"roots": [str(tmp_path)]})
        assert list(facts["stamps"]) == [str(tmp_path / "p/a.so")]

    def test_torch_says_what_it_was_built_for(self, tmp_path: Path) -> None:
        text = "from typing import Optional\n__version__ = '2.5.0+cu124'\ncuda: Optional[str] = '12.4'\nhip: Optional[str] = None\n__version__ = 'x'\n"
        write(tmp_path / "version.py", text)
        assert torchfile.read(str(tmp_path)) == {"__version__": "2.5.0+cu124", "cuda": "12.4", "hip": None}
        assert torchfile.read("/nowhere") == {}

    @pytest.mark.parametrize(
        ("path", "version"),
        [
            ("/x/libcuda.so.550.54.15", "550.54.15"),
            ("/x/libcuda.so.1", None),
            ("/x/libcuda.so.1.1", None),
            ("/x/libcuda.so", None),
        ],
    )
    def test_libcuda_and_its_version(self, tmp_path: Path, path: str, version: str | None) -> None:
        write(tmp_path / "lib64" / path[3:], b"")
        if not (tmp_path / "lib64/libcuda.so.1").exists():
            (tmp_path / "lib64/libcuda.so.1").symlink_to(path[3:])
        found = driverfiles.find_libcuda(str(tmp_path), "", [])
        assert [row["version"] for row in found] == [version]


class TestLook:
    def expected(self, tmp_path: Path, **more: Any) -> dict[str, Any]:
        site = tmp_path / "site-packages"
        path = write(site / "p/a.so", b"a")
        stamp = stamps.stamp(str(path)) or (0, 0)
        row = ["p/a.so", *stamp, -1, 0]
        return dict(
            EXPECTED,
            site=[str(site)],
            libraries=[row],
            torch=None,
            headers=False,
            sonames=["libx.so.1"],
            **more,
        )

    def test_files_as_they_were_are_not_read(self, tmp_path: Path) -> None:
        seen = startlook.look_at_files(self.expected(tmp_path), {})
        assert seen == {"libraries": 1, "gone": [], "changed": {}, "new": {}, "reasons": [], "loading": None}

    def test_what_differs_is_read(self, tmp_path: Path) -> None:
        expected = self.expected(tmp_path)
        path, new = tmp_path / "site-packages/p/a.so", tmp_path / "site-packages/p/b.so"
        write(path, b"b")
        write(new, b"\x7fELF")
        seen = startlook.look_at_files(expected, {})
        assert seen["changed"] == {str(path): {"path": str(path), "error": "no binary"}}
        assert list(seen["new"]) == [str(new)]
        assert seen["reasons"] == [f"{path} has changed", f"{new} is new"]
        assert seen["loading"]["libraries"] == 0
        path.unlink()
        assert startlook.look_at_files(expected, {})["gone"] == [str(path)]

    def test_a_library_outside_and_one_on_the_library_path(self, tmp_path: Path) -> None:
        expected = self.expected(tmp_path, outside={"libz.so.1": "/nowhere/libz.so.1"})
        assert startlook.look_at_files(expected, {})["reasons"] == ["/nowhere/libz.so.1 is gone"]
        write(tmp_path / "other/libx.so.1", b"")
        path = f":{tmp_path / 'other'}:/nowhere"
        found = startlook.look_at_files(self.expected(tmp_path), {"LD_LIBRARY_PATH": path})
        assert found["reasons"] == [f"LD_LIBRARY_PATH has libx.so.1 in {tmp_path / 'other'}"]
        same = self.expected(tmp_path) | {"library_path": path}
        assert startlook.look_at_files(same, {"LD_LIBRARY_PATH": path})["reasons"] == []

    def test_everything_is_read_again_on_request(self, tmp_path: Path) -> None:
        seen = startlook.look_at_files(self.expected(tmp_path), {"STACKCHECK_READ": "again"})
        assert len(seen["changed"]) == 1

    def test_the_machine(self, tmp_path: Path) -> None:
        write(tmp_path / "dev/nvidia0", b"")
        write(
            tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information",
            "Model: \t\t NVIDIA L4\nGPU UUID: \t GPU-a\n",
        )
        seen = startlook.look(
            self.expected(tmp_path),
            {"CUDA_VISIBLE_DEVICES": "0", "SECRET": "x"},
            startlook.Host(str(tmp_path), "libnone.so.9"),
        )
        assert seen["environ"] == {"CUDA_VISIBLE_DEVICES": "0"}
        assert seen["driver"]["named"] == [{"name": "NVIDIA L4", "uuid": "GPU-a"}]
        assert seen["driver"]["nvml"]["error"].startswith("libnone.so.9: cannot open")
        assert seen["shm"]["bytes"] is None
        assert seen["metadata"] == {str(tmp_path / "site-packages"): []}

    def test_a_second_torch(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        own = write(tmp_path / "site-packages/torch/__init__.py", b"").parent
        other = write(tmp_path / "other/torch/__init__.py", b"").parent
        user = write(tmp_path / "home/.local/lib/python3.11/site-packages/torch/__init__.py", b"").parent
        monkeypatch.chdir(tmp_path)
        expected = self.expected(tmp_path) | {"torch": {"path": str(own)}}
        environ = {"PYTHONPATH": f"{own.parent}:{other.parent}", "HOME": str(tmp_path / "home")}
        found = startlook._other_torches(expected, environ)
        assert found == [
            {"path": str(other), "origin": "PYTHONPATH"},
            {"path": str(user), "origin": "user site"},
        ]
        assert (
            startlook._other_torches(expected, {"HOME": str(tmp_path / "home"), "PYTHONNOUSERSITE": "1"})
            == []
        )
