"""What every help ends with: calls to copy, and what the exit code of the command says.

The man page and the tests read the same rows: each example is parsed by the parser of its command.
"""

from __future__ import annotations

from typing import NamedTuple


class Example(NamedTuple):
    """A call, without the program's name, and what it does."""

    words: str
    does: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "init": (
        Example("init -o matrices/mine.toml", "of the files in this folder"),
        Example("init Dockerfile requirements.txt --gpus L4,H100", "of two files, to read it first"),
    ),
    "list": (
        Example("list", "all that are found from here"),
        Example("list 'cuda124*' --format json", "some, for a program"),
    ),
    "check": (
        Example("check .", "the files of this folder"),
        Example("check Dockerfile requirements.txt --gpus L4,H100 --driver 550", "one stack of two files"),
        Example("check cuda124-torch25 --offline", "a family of definitions, asking no index"),
        Example("check . --format sarif -o stackcheck.sarif", "for code scanning"),
    ),
    "suggest": (
        Example("suggest .", "the diff of the files of this folder"),
        Example("suggest matrices/mine.toml --write", "write the change into the definition"),
    ),
    "lock": (
        Example("lock matrices/mine.toml", "locks/pylock.ID.toml beside matrices/"),
        Example("lock cuda124-torch25-py311 --locks locks", "in a folder of your choice"),
    ),
    "build": (
        Example("build cuda124-torch25-py311 --engine venv", "as a virtual environment"),
        Example("build matrices/mine.toml --plan", "what would be built again, and why"),
    ),
    "verify": (
        Example("verify cpu-torch213 --engine venv", "check, lock, build and probe without containers"),
        Example("verify matrices/mine.toml --require run", "exit 3 unless its packages were imported"),
    ),
    "probe": (
        Example("probe --here", "this interpreter as it is"),
        Example("probe --image app:latest --stack .", "an image, against the files of this folder"),
    ),
    "drift": (
        Example("drift cuda124-torch25-py311", "against reports/ID.json"),
        Example("drift 'cuda124*' -o night.txt --also prom=stackcheck.prom", "many, the worst first"),
        Example("drift . --accept 'new base image, tested on 2026-11-30'", "make today the baseline"),
    ),
    "history": (
        Example("history cuda124-torch25-py311", "every change that its runs have seen"),
        Example("history", "all stacks that have a history, the worst first"),
    ),
    "fits": (
        Example("fits dist/mine-1.0-cp312-cp312-linux_x86_64.whl", "which releases of torch load it"),
        Example("fits spconv-cu124==2.3.8 --torch '>=2.5,<2.9'", "exit 1 unless all of these do"),
    ),
    "inspect": (
        Example("inspect .venv --gpu L4,B200", "an environment, for two GPUs"),
        Example("inspect app:latest --gpu 8.9 --at-least native", "exit 1 where code has to be compiled"),
    ),
    "bake": (
        Example("bake app:latest --from .", "an image, against the files of this folder"),
        Example("bake cuda124-torch25-py311 --tag app:guarded", "build the image of a stack first"),
    ),
    "entrypoint": (
        Example("entrypoint -- python serve.py", "check the container, then serve"),
        Example("entrypoint --check", "a health check"),
    ),
    "explain": (
        Example("explain NUMPY101", "one rule"),
        Example("explain TORCH", "a family of rules"),
        Example("explain --all --format md", "the reference"),
    ),
    "plan": (
        Example("plan torch==2.8 cuda==12.8 --gpu L4,B200 --with spconv", "the newest stack that has it all"),
        Example("plan torch --python 3.12 --format requirements", "as a requirements file"),
    ),
    "upgrade": (
        Example("upgrade . --to torch==2.9", "the diff of the files of this folder, and why"),
        Example("upgrade matrices/mine.toml --to torch==2.9 --write", "write it into the definition"),
    ),
    "matrix": (
        Example("matrix --gpu T4,L4,H100,B200", "all stacks on four GPUs"),
        Example("matrix 'cuda124*' --torch 2.8,2.9 --gpu L4", "what an upgrade breaks"),
        Example("matrix --hosts hosts.txt --reports reports", "on the team's hosts, with real runs"),
    ),
    "site": (
        Example("site reports -o public", "the folder that GitHub Pages takes"),
        Example("site reports --gpu T4,L4,H100 -o public", "these GPUs across, seen or not"),
        Example("site reports --matrix matrix.json -o public", "beside what definitions say"),
    ),
    "fleet": (
        Example("fleet nodes --address auto", "what the nodes of a Ray cluster have"),
        Example(
            "fleet verify 'cuda124*' --address ray://head:10001 -o night", "each stack where its GPUs are"
        ),
        Example("fleet verify 'cuda124*' --jobs 4 --engine venv", "without Ray, on this machine"),
        Example("fleet verify '*' --bytes --jobs 4", "open the files of the wheels, run nothing"),
    ),
    "fleet render k8s": (
        Example(
            "fleet render k8s mine --image mine=REF@sha256:DIGEST --gpu H100,T4",
            "Indexed Jobs, for `kubectl create -f -`",
        ),
        Example(
            "fleet render k8s mine --as drift --runner REF --project CLAIM",
            "a CronJob",
        ),
    ),
    "fleet render slurm": (
        Example("fleet render slurm mine --image mine=app.sif --gpu H100 -o night", "sbatch from night/"),
    ),
    "fleet collect": (
        Example("fleet collect night", "all that lies in a folder"),
        Example("fleet collect - jobs.yaml --format html -o matrix.html", "logs from kubectl, on stdin"),
    ),
    "report": (
        Example("report night.json --format html -o night.html", "the same report as a page"),
        Example("report a.json b.json", "two reports as one"),
    ),
    "schema": (Example("schema -o matrices/stack.schema.json", "for the editor"),),
    "recipes": (Example("recipes check nix/ 'pytorch-py313*'", "a folder against these variants"),),
    "learn": (Example("learn torch-scatter --since 2026-01-01", "into your own tables"),),
    "tables": (
        Example("tables", "what there is"),
        Example("tables 2.8.0", "what is known of a version"),
        Example("tables refresh", "releases of torch that the tables do not have yet"),
        Example("tables check knowledge", "every fault of a team's own folder"),
    ),
    "knowledge": (
        Example("knowledge", "which folders are read, and what of them is old"),
        Example("knowledge pack knowledge --name acme-gpu-knowledge", "one file of a team's folder"),
        Example("knowledge update INDEX acme-gpu-knowledge", "take the newest of an index"),
        Example("knowledge rollback acme-gpu-knowledge", "read again what was read before it"),
    ),
    "cache": (
        Example("cache info", "what is kept, and how much of it"),
        Example("cache clean --older 30", "what was not used for a month"),
        Example("cache clean --kind venvs --kind unpacked", "the environments, which are the largest"),
    ),
    "completion": (
        Example("completion bash > ~/.stackcheck.bash", "`source ~/.stackcheck.bash` in ~/.bashrc"),
        Example("completion zsh > DIR/_stackcheck", "DIR is a folder of $fpath, before `compinit`"),
        Example("completion fish > ~/.config/fish/completions/stackcheck.fish", "fish finds it there"),
        Example("completion man > ~/.local/share/man/man1/stackcheck.1", "`man stackcheck`"),
        Example("completion tcsh > ~/.stackcheck.tcsh", "`source ~/.stackcheck.tcsh` in ~/.tcshrc"),
    ),
}
"""Calls of each command, the first one the most usual."""

_JUDGED = {
    0: "nothing failed",
    1: "a check failed",
    2: "the call, a definition or a named file is wrong",
    3: "something that had to be checked could not be",
}
_PRINTED = {0: "it was printed", 2: _JUDGED[2]}
_WRITTEN = {0: "it was written", 2: _JUDGED[2]}

EXITS: dict[str, dict[int, str]] = {
    "init": _WRITTEN,
    "list": _PRINTED,
    "suggest": {
        0: "nothing to change, or a change that makes it good",
        1: "no such change was found",
        2: _JUDGED[2],
        3: "the resolver could not be asked",
    },
    "lock": {
        0: "every lock stands",
        1: "pins exclude each other",
        2: _JUDGED[2],
        3: "that could not be found out",
    },
    "build": {0: "built", 1: "a build step failed", 2: _JUDGED[2], 3: "the engine could not do its work"},
    "drift": {
        0: "nothing has moved that breaks it",
        1: "a change breaks it",
        2: _JUDGED[2],
        3: "something could not be looked at",
    },
    "history": {0: "it was printed, also where nothing is kept", 2: _JUDGED[2]},
    "fits": {0: "it can be loaded", 1: "it cannot", 2: _JUDGED[2], 3: "that is not known"},
    "inspect": {
        0: "every GPU that was named is served",
        1: "one is not, or a library cannot load",
        2: _JUDGED[2],
        3: "that is not known",
    },
    "bake": {
        0: "baked, and the image would start without a GPU",
        1: "baked, and it would refuse",
        2: _JUDGED[2],
        3: "it could not be baked or checked",
    },
    "entrypoint": {
        0: "that of the command, once it runs",
        1: "the container does not do what it expects",
        2: _JUDGED[2],
        3: "the container could not be checked",
    },
    "plan": {0: "a stack that is proven", 1: "no stack has all that", 2: _JUDGED[2], 3: "it is not proven"},
    "upgrade": {
        0: "a change that is proven, or nothing to change",
        1: "no such change was found",
        2: _JUDGED[2],
        3: "it is not proven",
    },
    "matrix": {
        0: "no cell fails; with --diff: none got worse",
        1: "a cell fails; with --diff: one got worse",
        2: _JUDGED[2],
        3: "nothing is known of any cell",
    },
    "site": _WRITTEN,
    "fleet render k8s": _WRITTEN,
    "fleet render slurm": _WRITTEN,
    "fleet collect": {
        0: "all came back whole, and no cell fails",
        1: "a cell fails",
        2: _JUDGED[2],
        3: "nothing came back, or not all of it is whole",
    },
    "knowledge": {0: "it was printed or done", 2: _JUDGED[2], 3: "an index or a bundle could not be read"},
    "explain": _PRINTED,
    "schema": _PRINTED,
    "cache": {0: "it was printed, or removed", 2: _JUDGED[2]},
    "completion": _PRINTED,
    "learn": {0: "all was read", 2: _JUDGED[2], 3: "a page or a wheel could not be read"},
    "tables": {
        0: "it was printed; with check: no fault",
        2: f"{_JUDGED[2]}; with check: a fault",
        3: "with refresh: an index could not be read",
    },
}
"""What the exit codes of a command say, where that is not what those of `check` say."""


def exits(command: str) -> dict[int, str]:
    """Return what each exit code of a command means; one below another has its own, or those of that."""
    return EXITS.get(command) or EXITS.get(command.partition(" ")[0], _JUDGED)


def help_end(prog: str) -> str:
    """Return what the help of `stackcheck COMMAND` ends with."""
    command = prog.partition(" ")[2]
    rows = EXAMPLES.get(command) or EXAMPLES.get(command.partition(" ")[0], ())
    lines = [each for row in rows for each in (f"  stackcheck {row.words}", f"      {row.does}")]
    examples = ["examples:", *lines, ""] if lines else []
    codes = [f"  {code}  {means}" for code, means in exits(command).items()]
    return "\n".join([*examples, "exit codes:", *codes])
