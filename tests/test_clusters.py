"""The examples of Dask and Ray, on clusters of real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from engines import needs_processes

EXAMPLES = Path(__file__).parent.parent / "examples"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_DEDUP_LOGS": "0"}


@pytest.mark.slow
@needs_processes
@pytest.mark.parametrize(("package", "processes"), [("dask", "--workers"), ("ray", "--processes")])
def test_a_cluster_gives_what_one_process_gives(package: str, processes: str, tmp_path: Path) -> None:
    needed = ("distributed", "dask") if package == "dask" else ("ray", "pyarrow", "pandas")
    if any(find_spec(name) is None for name in needed):
        pytest.skip(f'{package} is not installed: pip install "armexec[{package}]"')
    paths = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{package}_map.py", "0.02", processes, "2"],
        env=os.environ | QUIET | {"PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0.02 GB, 2500000 elements" in done.stdout
    found = re.findall(r"^(2 processes|this process): +[0-9.]+ s  ([0-9.]+)$", done.stdout, re.MULTILINE)
    assert [name for name, _ in found] == ["2 processes", "this process"]
    assert found[0][1] == found[1][1]
