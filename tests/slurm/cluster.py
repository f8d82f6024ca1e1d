"""A real Slurm on this machine, for as long as a test needs it: two nodes, whose daemons the test starts and stops."""

import contextlib
import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol")
#: Where Slurm's programs look when SLURM_CONF is not set; the executor takes SLURM_* out of a job's environment.
CONFIGURATION = Path("/etc/slurm/slurm.conf")
NODES = ("n1", "n2")
CPUS, MEMORY = 8, 16_000


def missing() -> str:
    """Why no cluster can be started here, and what to do; "" if it can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"no Slurm here ({', '.join(absent)}): `make test-slurm` as root, or apt-get install slurm-wlm munge"
    if CONFIGURATION.exists() and not CONFIGURATION.is_symlink():
        return f"{CONFIGURATION} is that of a real cluster; run these tests on another machine"
    if not os.access(CONFIGURATION.parent, os.W_OK):
        return f"{CONFIGURATION.parent} cannot be written to: run these tests as root"
    return ""


class Cluster:
    """What a test asks of the cluster."""

    def __init__(self, base: Path, daemons: dict[str, subprocess.Popen]) -> None:
        self.base, self.daemons = base, daemons

    def jobs(self) -> list[dict[str, str]]:
        """The record of all jobs that ended: JobId, JobState, NodeList, ..."""
        record = self.base / "jobs.txt"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]

    def wait_for_a_job(self, node: str, run: subprocess.Popen, seconds: float = 300) -> str:
        """The number of a job on a node, as soon as one is in the middle of its work.

        Raises RuntimeError when there is none in that time, or `run` ends before.
        """
        end = time.monotonic() + seconds
        while run.poll() is None and time.monotonic() < end:
            for job in self._running(node):
                working = set(self._processes(job))
                if any(pid in working and b".snakemake/scripts/" in command for pid, command in _processes("cmdline")):
                    return job
            time.sleep(0.1)
        raise RuntimeError(f"no job on {node}: {_ask('squeue')}")

    def kill(self, job: str) -> None:
        """kill -9 of every process of a job."""
        _kill(self._processes(job))

    def lose(self, node: str) -> None:
        """Let a node die as if its power failed, all that is on it at once; its jobs start again without a wait."""
        jobs = self._running(node)
        _kill([self.daemons[node].pid, *(p for job in jobs for p in (*_step_daemons(job), *self._processes(job)))])
        self.daemons[node].wait()
        _ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
        for job in _ask("squeue", "-h", "-t", "pending", "-o", "%i").split():
            _ask("scontrol", "update", f"JobId={job}", "StartTime=now")

    def _running(self, node: str) -> list[str]:
        return _ask("squeue", "-h", "-t", "running", "-w", node, "-o", "%i").split()

    def _processes(self, job: str) -> list[int]:
        wanted = f"SLURM_JOB_ID={job}".encode()
        return [pid for pid, environ in _processes("environ") if wanted in environ.split(b"\0")]


@contextlib.contextmanager
def started(base: Path) -> Iterator[Cluster]:
    """A cluster whose files are in the folder `base`; its daemons end with the block.

    Raises RuntimeError, with the ends of the daemons' logs, when it does not come up.
    """
    base = base.resolve()
    for folder in ("munge", "state", *(f"spool-{node}" for node in NODES)):
        (base / folder).mkdir(parents=True)
        (base / folder).chmod(0o755)
    base.chmod(0o755)
    key = base / "munge" / "key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o600)
    host, ports = socket.gethostname().split(".")[0], _free_ports(1 + len(NODES))
    nodes = [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY}"
        for node, port in zip(NODES, ports[1:], strict=True)
    ]
    template = Path(__file__).with_name("slurm.conf").read_text(encoding="utf-8")
    filled = {"base": base, "host": host, "user": getpass.getuser(), "port": ports[0], "nodes": "\n".join(nodes)}
    configuration = base / "slurm.conf"
    configuration.write_text(template.format_map(filled), encoding="utf-8")
    CONFIGURATION.unlink(missing_ok=True)
    CONFIGURATION.symlink_to(configuration)
    daemons: dict[str, subprocess.Popen] = {}
    files = {f"--{name}-file={base}/munge/{name}" for name in ("pid", "log", "seed")}
    try:
        command = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={base}/munge/socket", *files]
        daemons["munged"] = _start(command, base)
        _until(lambda: (base / "munge" / "socket").exists(), daemons, base)
        daemons["slurmctld"] = _start(["slurmctld", "-D", "-c"], base)
        for node in NODES:
            daemons[node] = _start(["slurmd", "-D", "-c", "-N", node], base)
        _until(lambda: _ask("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split() == list(NODES), daemons, base)
        yield Cluster(base, daemons)
        subprocess.run(["scancel", "--user", getpass.getuser()], check=False)
    finally:
        for process in reversed(daemons.values()):
            _stop(process)
        CONFIGURATION.unlink(missing_ok=True)


def _start(command: list[str], base: Path) -> subprocess.Popen:
    name = "-".join(part for part in (command[0], *command[-1:]) if not part.startswith("-"))
    with (base / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def _until(holds: Callable[[], bool], daemons: dict[str, subprocess.Popen], base: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        dead = [name for name, process in daemons.items() if process.poll() is not None]
        if dead or time.monotonic() > end:
            logs = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in base.glob("*.log"))
            raise RuntimeError(f"Slurm did not come up (ended: {dead})\n{logs}")
        time.sleep(0.2)


def _ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _step_daemons(job: str) -> list[int]:
    """The processes that stand for a job on its node."""
    return [pid for pid, command in _processes("cmdline") if command.startswith(f"slurmstepd: [{job}.".encode())]


def _processes(about: str) -> Iterator[tuple[int, bytes]]:
    for file in Path("/proc").glob(f"[0-9]*/{about}"):
        with contextlib.suppress(OSError):
            yield int(file.parent.name), file.read_bytes()


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        opened = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in opened]
