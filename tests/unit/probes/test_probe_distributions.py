"""What is read of installed distributions, and whose files lie on the disk."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from stackcheck_probes.probes import distributions, recorded_files

if TYPE_CHECKING:
    from pathlib import Path

    from stackcheck_probes.facts.python import Distributions, RecordedFiles


def digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def install(
    folder: Path, name: str, version: str, files: dict[str, bytes] | None = None, head: str = ""
) -> Path:
    """Install as pip does: later distributions write over the files of earlier ones."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{head}\nName: forged in the description\n"
    )
    (info / "INSTALLER").write_text("pip\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n")
    rows = [f"{info.name}/RECORD,,", "../../../bin/tool,sha256=x,3", "pkg/__pycache__/a.cpython-311.pyc,,"]
    for path, content in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        rows.append(f'"{path}",{digest(content)},{len(content)}')
    (info / "RECORD").write_text("\n".join(rows) + "\n")
    return info


def look(*folders: Path) -> Distributions:
    return distributions.run({"sys_path": [str(folder) for folder in folders]})


def look_at_files(*folders: Path) -> RecordedFiles:
    return recorded_files.run({"sys_path": [str(folder) for folder in folders]})


def test_the_blank_lines_of_a_licence_do_not_hide_what_is_required(tmp_path: Path) -> None:
    """scipy 1.10.1, pandas 2.1.4: the whole licence stands in the headers, with indented blank lines."""
    head = "License: Copyright\n        All rights reserved.\n        \n        1. More.\nRequires-Dist: numpy<1.27\n"
    install(tmp_path, "scipy", "1.10.1", head=head)
    (row,) = look(tmp_path)["distributions"]
    assert (row["name"], row["requires"]) == ("scipy", ["numpy<1.27"])


def test_a_distribution_is_read_whole(tmp_path: Path) -> None:
    head = "Requires-Python: >=3.9\nRequires-Dist: torch==2.5.0\nRequires-Dist: x ; extra == 'y'\nProvides-Extra: y\n"
    info = install(tmp_path, "Torch_Vision", "0.20.0+cu124", {"tv/a.py": b"x"}, head)
    url = {"url": "https://me:secret@host/a.whl", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(url))
    assert look(tmp_path) == {
        "distributions": [
            {
                "name": "torch-vision",
                "version": "0.20.0+cu124",
                "requires_python": ">=3.9",
                "requires": ["torch==2.5.0", "x ; extra == 'y'"],
                "extras": ["y"],
                "complete": True,
                "location": str(tmp_path),
                "metadata": "Torch_Vision-0.20.0+cu124.dist-info",
                "installer": "pip",
                "tags": ["cp311-cp311-linux_x86_64"],
                "direct_url": {"url": "https://***@host/a.whl", "editable": True},
            }
        ],
        "duplicates": [],
    }


def test_requirements_that_follow_a_licence_with_lines_of_spaces_are_read(tmp_path: Path) -> None:
    licence = "License: BSD\n        \n        \x0c\n        all of it\n        \n"
    install(tmp_path, "vllm", "0.8.4", head=f"{licence}Requires-Python: >=3.9\nRequires-Dist: torch==2.6.0\n")
    (found,) = look(tmp_path)["distributions"]
    assert (found["requires"], found["requires_python"]) == (["torch==2.6.0"], ">=3.9")


def test_the_first_folder_comes_first_and_a_link_to_it_not_again(tmp_path: Path) -> None:
    install(tmp_path / "b", "numpy", "1.26.4")
    install(tmp_path / "a", "numpy", "2.0.0")
    (tmp_path / "c").symlink_to(tmp_path / "b")
    versions = [
        row["version"] for row in look(tmp_path / "b", tmp_path / "a", tmp_path / "c")["distributions"]
    ]
    assert versions == ["1.26.4", "2.0.0"]


def test_metadata_that_is_not_there_leaves_what_the_name_says(tmp_path: Path) -> None:
    (tmp_path / "half_gone-1.2.dist-info").mkdir()
    row = look(tmp_path)["distributions"][0]
    assert (row["name"], row["version"], row["complete"], row["installer"]) == (
        "half-gone",
        "1.2",
        False,
        None,
    )


def test_an_old_egg_info_file_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "old-1.0.egg-info").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1.0\n")
    assert look(tmp_path)["distributions"][0]["version"] == "1.0"


def test_two_sets_of_metadata_for_one_name(tmp_path: Path) -> None:
    install(tmp_path, "torch", "2.4.0")
    install(tmp_path, "torch", "2.5.0")
    metadata = ["torch-2.4.0.dist-info", "torch-2.5.0.dist-info"]
    assert look(tmp_path)["duplicates"] == [
        {"name": "torch", "location": str(tmp_path), "metadata": metadata}
    ]


def test_a_file_of_two_distributions_belongs_to_the_one_whose_content_lies_there(tmp_path: Path) -> None:
    install(tmp_path, "cumm_cu118", "0.7.11", {"cumm/core.so": b"118", "cumm/__init__.py": b"same"})
    install(tmp_path, "cumm_cu124", "0.7.11", {"cumm/core.so": b"124", "cumm/__init__.py": b"same"})
    facts = look_at_files(tmp_path)
    shared = facts["shared_files"]
    assert facts["shared_files_count"] == 1
    owners = ["cumm-cu118", "cumm-cu124"]
    row = {"path": "cumm/core.so", "location": str(tmp_path), "owners": owners, "on_disk": ["cumm-cu124"]}
    assert shared == [row]
    (tmp_path / "cumm/core.so").write_bytes(b"neither")
    assert look_at_files(tmp_path)["shared_files"] == [row | {"on_disk": []}]


def test_files_that_are_gone_or_of_another_size_are_counted(tmp_path: Path) -> None:
    install(tmp_path, "cumm", "1", {"cumm/a.h": b"a", "cumm/b.h": b"b", "cumm/c.so": b"ccc"})
    install(tmp_path, "certifi", "1", {"certifi/cacert.pem": b"x"})
    (tmp_path / "certifi/cacert.pem").write_bytes(b"x and a certificate of our own")
    (tmp_path / "cumm/a.h").unlink()
    (tmp_path / "cumm/c.so").write_bytes(b"stripped")
    changed = {"name": "cumm", "location": str(tmp_path), "missing": 1, "resized": 1}
    assert look_at_files(tmp_path)["changed_files"] == [changed | {"examples": ["cumm/a.h", "cumm/c.so"]}]


def test_a_record_that_is_garbage_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    info = install(tmp_path, "a", "1")
    (info / "RECORD").write_bytes(b'\xff\xfe,"unclosed,\n\n,,,,\na/b.py,sha256=x,y\n')
    (info / "direct_url.json").write_bytes(b"[[[")
    assert look_at_files(tmp_path)["changed_files"][0]["examples"] == ["a/b.py"]
    assert look(tmp_path)["distributions"][0]["direct_url"] is None


def test_folders_that_are_not_there_are_no_error(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere")["distributions"] == []
    assert look_at_files(tmp_path / "nowhere")["changed_files"] == []


def test_a_path_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    install(tmp_path, "a", "1", {"x/y.py": b"1"})
    install(tmp_path, "b", "1", {"./x//y.py": b"2"})
    assert [row["path"] for row in look_at_files(tmp_path)["shared_files"]] == ["x/y.py"]


def test_an_owner_without_metadata_goes_by_the_name_of_its_folder(tmp_path: Path) -> None:
    info = install(tmp_path, "Old_Thing", "1", {"old/a.py": b"1"})
    (info / "METADATA").unlink()
    (tmp_path / "old/a.py").unlink()
    assert look_at_files(tmp_path)["changed_files"][0]["name"] == "old-thing"


def test_bytecode_that_python_wrote_anew_is_no_change(tmp_path: Path) -> None:
    info = tmp_path / "numpy-1.26.4.dist-info"
    info.mkdir()
    (tmp_path / "numpy" / "__pycache__").mkdir(parents=True)
    (tmp_path / "numpy" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"other bytes")
    (info / "METADATA").write_text("Name: numpy\nVersion: 1.26.4\n")
    (info / "RECORD").write_text("numpy/__pycache__/x.cpython-311.pyc,sha256=abc,5\n")
    assert look_at_files(tmp_path)["changed_files"] == []
