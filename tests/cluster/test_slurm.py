"""A class graded on a Slurm cluster: nodes with names, addresses and processes of their own, on this machine.

Runs where Slurm is (`make slurm-for-tests`) and where namespaces can be made.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from slurm_cluster import NODES, SlurmCluster, missing, slurm_cluster, wait_until

MISSING = missing()
pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(MISSING), reason=MISSING or "all there")]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with slurm_cluster(tmp_path_factory.mktemp("slurm"), [tmp_path_factory.getbasetemp(), ROOT]) as cluster:
        yield cluster


def test_each_job_is_on_a_machine_of_its_own_with_a_gpu(slurm: SlurmCluster, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/sh\nhostname; hostname -I; echo $CUDA_VISIBLE_DEVICES; cat /proc/1/cmdline\n")
    options = ["--account=ec443", "--partition=accel", "--gpus=a100:1", "--time=00:15:00", "--ntasks=1", "--exclusive"]
    for name in NODES:
        slurm.run("sbatch", *options, f"--nodelist={name}", f"--output={tmp_path}/{name}", script)
    wait_until(lambda: not slurm.jobs(), "the jobs are over")
    for name in NODES:
        said = (tmp_path / name).read_text().splitlines()
        assert said[:3] == [name, f"{NODES[name]} ", "0"]
        assert name in said[3].split("\0")


STARTING = """
import sys, time
sys.path[:0] = {path}
from pathlib import Path
from slurm_cluster import slurm_cluster
folder = Path(sys.argv[1])
with slurm_cluster(folder, [folder.parent]):
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_cluster_ends_with_the_process_that_started_it_even_by_kill(tmp_path: Path) -> None:
    folder = tmp_path / "slurm"
    folder.mkdir()
    script = STARTING.format(path=[str(Path(__file__).parent), str(ROOT / "tests"), str(ROOT)])
    started = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    family = psutil.Process(started.pid).children(recursive=True)
    assert {"slurmctld", "slurmd", "munged"} <= {process.name() for process in family}
    started.kill()
    started.communicate()
    assert psutil.wait_procs(family, timeout=30)[1] == []
