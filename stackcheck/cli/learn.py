"""`stackcheck learn`: read the wheels of packages on an index, and keep what they say."""

from __future__ import annotations

import os
import site
import sysconfig
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidName, canonicalize_name

from stackcheck import knowledge
from stackcheck.cli import output
from stackcheck.knowledge.folders import MEASURED, SHIPPED, Folder, own_folder
from stackcheck.knowledge.matters import Matters
from stackcheck.knowledge.measured import MeasuredTable, render
from stackcheck.model.errors import EXIT_OK, EXIT_UNCHECKED, ResolveError, StackcheckError, UsageError
from stackcheck.report.wording import plural
from stackcheck.resolve.index import Fetcher
from stackcheck.resolve.wheelindex import PYPI, WheelIndex
from stackcheck.storage.folders import write_atomically
from stackcheck.wheels import exports
from stackcheck.wheels.learn import MOST_BYTES, MeasuredTorches, Wanted, learn

if TYPE_CHECKING:
    import argparse

    from stackcheck.knowledge.measured import MeasuredPackage
    from stackcheck.targets import Progress

_DAYS = 3 * 365


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("packages", nargs="+", type=_name, metavar="PACKAGE", help="its name on the index")
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="write FOLDER/measured/PACKAGE.toml; default: the folder of $STACKCHECK_KNOWLEDGE, that of the "
        "project (`knowledge = [...]`), else ~/.local/share/stackcheck/knowledge",
    )
    parser.add_argument("--index", default=PYPI, metavar="URL", help="default: %(default)s")
    parser.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="DATE",
        help="read the wheels of versions uploaded on that day or later; of older ones only the file names "
        "are kept; default: three years ago",
    )
    parser.add_argument(
        "--most-mb",
        type=int,
        default=MOST_BYTES >> 20,
        metavar="N",
        help="fetch at most so much of one wheel; larger binaries are left out, which is said; "
        "default: %(default)s",
    )
    parser.add_argument("--again", action="store_true", help="read the wheels that were read before, too")


def _name(text: str) -> str:
    try:
        return canonicalize_name(text, validate=True)
    except InvalidName:
        raise UsageError(f"{text!r} is not the name of a package.") from None


def execute(args: argparse.Namespace) -> int:
    """Run the command: 3 when a page or a wheel could not be read."""
    folder, now = _folder(args.to or own_folder()), datetime.now(UTC).date()
    since, matters = args.since or now - timedelta(days=_DAYS), Matters(knowledge.load())
    wanted = Wanted(since, os.environ, matters, args.most_mb << 20, args.again)
    source = WheelIndex(Fetcher(os.environ, most_bytes=args.most_mb << 20), args.index)
    tell = output.progress(args)
    failed = [_learn(name, source, folder, wanted, now, tell) for name in args.packages]
    return EXIT_UNCHECKED if any(failed) else EXIT_OK


def _folder(folder: Path) -> Path:
    """Refuse a folder that an installer owns: what is written there is lost with the next version."""
    installed = {*site.getsitepackages(), site.getusersitepackages(), *sysconfig.get_paths().values()}
    here = folder.resolve()
    if any(here.is_relative_to(Path(each).resolve()) for each in installed if "-packages" in each):
        raise UsageError(f"--to {folder}: this belongs to an installed package; name a folder of your own.")
    return folder


def _before(name: str, folder: Path) -> MeasuredPackage | None:
    """Return what was learned already: in the folder, or else what ships."""
    return MeasuredTable((Folder(SHIPPED), Folder(folder, own=True))).package(name)


def _learn(  # noqa: PLR0913, PLR0917 - what is read, where it goes, and how
    name: str, source: WheelIndex, folder: Path, wanted: Wanted, today: date, tell: Progress
) -> bool:
    """Learn one package, written after every wheel; return whether something could not be read."""
    path, torch = folder / MEASURED / f"{name}.toml", MeasuredTorches(exports.read())
    before = _before(name, folder)
    failed = read = fetched = 0
    try:
        for step in learn(name, source, before, torch, wanted, today):
            write_atomically(path, render(step.package, today).encode())
            tell(step.line)
            failed, read, fetched = failed + step.failed, read + step.read, fetched + step.fetched
    except ResolveError as error:
        output.write(f"{output.line(str(error))}\n", None)
        return True
    except OSError as error:
        raise StackcheckError(f"{path}: this cannot be written: {error.strerror}.") from None
    done = f"{plural(read, 'wheel')} read ({fetched / 1e6:.0f} MB), {failed} not read"
    output.write(f"{name}: {plural(len(step.package.rows), 'version')}, {done}; written to {path}\n", None)
    return bool(failed)
