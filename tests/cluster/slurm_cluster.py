"""A Slurm cluster of a test's own, on this machine: a login node and nodes with a GPU that is none, each a machine of its own.

A machine here is namespaces (`slurm_machine.sh`): it has its own name, address, processes, /tmp and /dev/shm, and shares
folders with the others as over a file system of the cluster's. Nothing of it has a name outside, so clusters may run
side by side; and the kernel ends all of it with the process that started it, even by kill -9.

What a real cluster has and this one has not: GPUs, control groups around jobs, accounts, a user who is not root.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from waiting import until

MACHINE = Path(__file__).with_name("slurm_machine.sh")
INTERFACE = "ib0"
LOGIN = "10.77.0.1"
NODES = {"node1": "10.77.0.11", "node2": "10.77.0.12"}
PARTITION = "accel"

CONF = """\
ClusterName=test
SlurmctldHost=login({login})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
MpiDefault=none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
SlurmdTimeout=10
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
MinJobAge=300
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
MailProg=/bin/true
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
GresTypes=gpu
{nodes}
PartitionName={partition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
NODE = (
    "NodeName={name} NodeAddr={address} CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 "
    "RealMemory=8000 Gres=gpu:a100:1"
)


def missing() -> str:
    """What a cluster would need that is not here; nothing where all is."""
    tools = {
        "slurmctld": "Slurm (apt-get install slurm-wlm)",
        "slurmd": "Slurm (apt-get install slurm-wlm)",
        "sbatch": "Slurm (apt-get install slurm-wlm)",
        "munged": "munge (apt-get install munge)",
        "ip": "iproute2 (apt-get install iproute2)",
        "unshare": "util-linux",
        "nsenter": "util-linux",
        "setpriv": "util-linux",
    }
    absent = sorted({what for tool, what in tools.items() if shutil.which(tool) is None})
    if os.geteuid() != 0:
        absent.insert(0, "root")
    if absent:
        return f"a Slurm cluster on this machine needs {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "--pid", "--mount", "--ipc", "--fork", "--mount-proc", "sh", "-ec",
         "ip link add ib0 type bridge; ip link add one type veth peer name two"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"no namespaces for a Slurm cluster here: {tried.stderr.strip()}" if tried.returncode else ""


@dataclass(frozen=True)
class Job:
    """A job as `squeue` shows it: its number, state (`RUNNING`), and node, where it has one."""

    number: str
    state: str
    node: str


class SlurmCluster:
    """A running cluster.

    Attributes:
        folder: its configuration, logs and state.
    """

    def __init__(self, folder: Path, shared: Sequence[Path]) -> None:
        self.folder = folder
        self._shared = [str(path) for path in shared]
        self._write_files()
        self._login = self._unshare()

    def _write_files(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        nodes = "\n".join(NODE.format(name=name, address=address) for name, address in NODES.items())
        conf = CONF.format(folder=self.folder, login=LOGIN, nodes=nodes, partition=PARTITION)
        (self.folder / "slurm.conf").write_text(conf)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # there are none: not to be looked for
        machines = {"localhost": "127.0.0.1", "login": LOGIN, **NODES}
        (self.folder / "hosts").write_text("".join(f"{address} {name}\n" for name, address in machines.items()))
        gpu = self.folder / "gpu"
        os.mknod(gpu, 0o600 | 0o020000, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(f"AutoDetect=off\nName=gpu Type=a100 File={gpu}\n")

    def _unshare(self) -> subprocess.Popen[bytes]:
        """Starts the login node; it ends with the calling thread."""
        namespaces = ["--net", "--uts", "--pid", "--mount", "--ipc", "--fork", "--kill-child", "--mount-proc"]
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, MACHINE, "login", self.folder, "login", LOGIN],
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def end(self) -> None:
        self._login.kill()
        self._login.wait()

    def answers(self) -> bool:
        """Whether the controller does."""
        assert self._login.poll() is None, "the login node has ended"
        if not psutil.Process(self._login.pid).children():
            return False
        try:
            return " is UP" in self.run("scontrol", "ping")
        except AssertionError:
            return False

    @property
    def first(self) -> int:
        """The process that is number 1 on the login node, as numbered outside."""
        (one,) = psutil.Process(self._login.pid).children()
        return one.pid

    def command(self, words: Sequence[str | Path]) -> list[str]:
        """A command line that runs on the login node what is given."""
        return ["nsenter", "--target", str(self.first), "--all", "--wd=.", *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def run(self, *words: str | Path) -> str:
        """What a command on the login node prints.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = subprocess.run(
            self.command(words), env=os.environ | self.environment, cwd=self.folder, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def add_node(self, name: str) -> None:
        script = [MACHINE, "plug", self.folder, name, NODES[name], *self._shared]
        self.run("setsid", "--fork", "unshare", "--net", "--uts", "--mount", *script)

    def jobs(self) -> list[Job]:
        """Those that wait, run or are ending."""
        lines = self.run("squeue", "--noheader", "--format=%i %T %N").splitlines()
        return [Job(*[*line.split(), ""][:3]) for line in lines]

    def job_on(self, node: str) -> str:
        """The number of the job that runs there; empty where there is none."""
        return next((job.number for job in self.jobs() if job.node == node and job.state == "RUNNING"), "")

    def state(self, job: str) -> str:
        """A job's state, also when it has ended: `TIMEOUT`."""
        return self.run("scontrol", "--oneliner", "show", "job", job).partition("JobState=")[2].split()[0]

    def processes(self, node: str) -> list[psutil.Process]:
        """All that run on a node, as seen from outside; the first is its number 1."""
        for process in psutil.Process(self.first).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.cmdline()[:1] == ["bash"] and f"node {self.folder} {node}" in " ".join(process.cmdline()):
                    return [process, *process.children(recursive=True)]
        return []

    def doors(self, node: str) -> list[str]:
        """Where Python listens on a node's network, as HOST:PORT."""
        command = ["nsenter", "--target", str(self.processes(node)[0].pid), "--net", "ss", "-Hltnp"]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        heard = [line.split()[3].rpartition(":") for line in lines if "python" in line]
        return [f"{NODES[node]}:{port}" for host, _, port in heard if host not in ("127.0.0.1", "[::1]")]

    def cable(self, node: str, state: Literal["up", "down"]) -> None:
        """Takes a node's network cable out, or puts it back."""
        self.run("ip", "link", "set", node, state)

    def idle(self) -> int:
        """How many nodes wait for a job; none while there is no controller."""
        try:
            return int(self.run("sinfo", "--noheader", "--states=idle", "--format=%D").strip() or 0)
        except AssertionError:
            return 0

    def logs(self) -> str:
        """The last that each of its programs said."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-2000:]}" for path in files)


@contextmanager
def slurm_cluster(folder: Path, shared: Sequence[Path]) -> Iterator[SlurmCluster]:
    """A cluster, its nodes ready for jobs. `folder` is empty, and one of the `shared`, or below one."""
    cluster = SlurmCluster(folder, shared)
    try:
        until(cluster.answers)
        for name in NODES:
            cluster.add_node(name)
        until(lambda: cluster.idle() == len(NODES))
        yield cluster
    except AssertionError as error:
        error.add_note(cluster.logs())
        raise
    finally:
        cluster.end()
