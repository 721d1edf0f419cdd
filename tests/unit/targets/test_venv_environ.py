"""What code of an environment gets of its caller's variables."""

from __future__ import annotations

from pathlib import Path

from stackcheck.targets.venv import inner_environ


def test_a_stack_s_code_gets_no_token_and_no_home_of_its_caller() -> None:
    environ = {
        "PATH": "/usr/bin", "HOME": "/home/me", "LD_LIBRARY_PATH": "/usr/local/cuda/lib64", "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "0", "CUDA_TOKEN": "t0ken", "GITHUB_TOKEN": "t0ken", "AWS_PROFILE": "prod",
        "PIP_INDEX_URL": "https://me:t0ken@host/simple", "SSH_AUTH_SOCK": "/tmp/s", "PYTHONPATH": "/mine",
        "TORCH_HUB_URL": "https://me:t0ken@host/hub", "NETRC": "/home/me/.netrc", "VIRTUAL_ENV": "/other",
    }  # fmt: skip
    assert inner_environ(Path("/venv"), environ) == {
        "PATH": "/venv/bin:/usr/bin",
        "VIRTUAL_ENV": "/venv",
        "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "0",
    }
