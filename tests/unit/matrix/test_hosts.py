"""What people have of their hosts: lists, and what nvidia-smi and rocm-smi print."""

from __future__ import annotations

import pytest

from stackcheck.matrix.cells import Host
from stackcheck.matrix.hosts import read_hosts
from stackcheck.model.errors import UsageError

SMI = """\
Mon Nov 30 09:00:00 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.65.06              Driver Version: 580.65.06      CUDA Version: 13.0     |
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
|=========================================+========================+======================|
|   0  NVIDIA L4                      On  |   00000000:00:03.0 Off |                    0 |
| N/A   45C    P8             16W /   72W |       0MiB /  23034MiB |      0%      Default |
|   1  NVIDIA L4                      On  |   00000000:00:04.0 Off |                    0 |
+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |
|    0   N/A  N/A            1234      C   python                                 100MiB  |
"""


def test_a_list_has_gpu_driver_and_name() -> None:
    text = "gpu,driver,name\n# ours\nL4, 550.54.15, node-1\nH100\nT4, node-2\n\nL4, 550.54.15, node-1\n"
    assert read_hosts(text, "h") == (
        Host("L4", "550.54.15", "node-1"),
        Host("H100"),
        Host("T4", "", "node-2"),
    )


def test_what_nvidia_smi_prints() -> None:
    assert read_hosts(SMI, "-") == (Host("NVIDIA L4", "580.65.06"),)
    listed = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)\n"
    assert read_hosts(listed, "-") == (Host("NVIDIA H100 80GB HBM3"),)


def test_what_rocm_smi_prints() -> None:
    assert read_hosts("GPU[0]\t\t: GFX Version: \t\tgfx90a\n", "-") == (Host("gfx90a"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "h: no host stands in it"),
        ("L4\nH10O\n", "h:2: no GPU named 'H10O' is known"),
        ("L4, x, y\n", "h:1: 'x' is not a driver"),
        ("<html>\n", "h:1: no GPU named"),
    ],
)
def test_what_is_no_host_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_hosts(text, "h")
    assert message in str(caught.value)
