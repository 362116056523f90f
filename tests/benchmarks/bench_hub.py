"""What a hub needs: memory and waiting time when 1, 5, 10 or 20 students move sliders at once on this machine.

    python tests/benchmarks/bench_hub.py                 # 1, 5, 10 and 20 students: about 8 minutes
    python tests/benchmarks/bench_hub.py --students 5
    python tests/benchmarks/bench_hub.py --jupyterhub    # behind a real hub, whose servers are local processes
    python tests/benchmarks/bench_hub.py --lessons       # one student, who runs each lesson: about 12 minutes

Each student is a real kernel with an explorer on red wine (two layers, 100 epochs, batches of 256) who moves the width
every few seconds, as one who looks at the curves does. All kernels start at once, as on Tuesday at nine. No browser:
the pictures are drawn, and nobody shows them. A JupyterHub is no dependency of the course:
`pip install "jupyterhub>=5,<6"` and `npm install --global configurable-http-proxy`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import nbformat
import psutil
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import KernelManager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

START = """
import course_utils.quiet, json, random, time
from course_utils.data import load_red_wine
from course_utils.explorer import Explorer
explorer = Explorer(load_red_wine(), epochs=100, batch_size=256)
explorer.wait()
print("ready")
"""
# Widths that were not seen before: their graphs have to be made first, which is the slower case.
MOVE = """
waited = []
for number in range(%d):
    time.sleep(random.uniform(%f, %f))
    begun = time.perf_counter()
    width, dropout = random.choice([8, 12, 16, 24, 32, 48, 64, 96, 128]), round(random.random() / 2, 3)
    explorer.set(width=width, dropout=dropout).wait()
    waited.append(time.perf_counter() - begun)
print(json.dumps(waited))
"""
LESSONS = Path(__file__).resolve().parents[2] / "lessons"
MOVES, THINKING = 8, (2.0, 6.0)  # seconds between two moves


HUB = """
import os
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:18000"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:18081"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:18001"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.services = [{"name": "bench", "api_token": os.environ["BENCH_TOKEN"]}]
scopes = ["admin:users", "admin:servers", "access:servers"]
c.JupyterHub.load_roles = [{"name": "bench", "scopes": scopes, "services": ["bench"]}]
c.SimpleLocalProcessSpawner.home_dir_template = os.path.join(os.getcwd(), "{username}")
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {"JUPYTER_RUNTIME_DIR": os.path.join(os.getcwd(), "runtime")}
c.Spawner.env_keep = ["PATH", "PYTHONPATH", "TF_CPP_MIN_LOG_LEVEL"]
"""


class Hub:
    """A JupyterHub with simple local processes."""

    address = "http://127.0.0.1:18000"

    def __init__(self, folder: Path) -> None:
        self._folder, self._token = folder, secrets.token_hex()
        (folder / "runtime").mkdir()
        (folder / "jupyterhub_config.py").write_text(HUB)
        self._log = (folder / "hub.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub"],
            cwd=folder,
            env={**os.environ, "BENCH_TOKEN": self._token},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        for _ in range(120):
            with contextlib.suppress(OSError):
                self._ask("GET", "hub/api/users")
                return
            time.sleep(0.5)
        self.end()
        raise RuntimeError(f"The hub did not start:\n{(folder / 'hub.log').read_text()[-2000:]}")

    def _ask(self, method: str, path: str) -> dict:
        headers = {"Authorization": f"token {self._token}", "Content-Type": "application/json"}
        data = None if method == "GET" else b"{}"
        request = urllib.request.Request(f"{self.address}/{path}", data=data, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"{}")

    def start_kernel(self, name: str) -> Path:
        """Log a student in, start their server and a kernel of it; returns the kernel's connection file."""
        (self._folder / name).mkdir(exist_ok=True)
        self._ask("POST", f"hub/api/users/{name}")
        with contextlib.suppress(urllib.error.HTTPError):  # it says so when it takes long
            self._ask("POST", f"hub/api/users/{name}/server")
        while not self._ask("GET", f"hub/api/users/{name}")["servers"].get("", {}).get("ready"):
            time.sleep(0.2)
        kernel = self._ask("POST", f"user/{name}/api/kernels")
        return self._folder / "runtime" / f"kernel-{kernel['id']}.json"

    @property
    def memory(self) -> int:
        """Bytes that belong to the hub, its proxy, and the servers and kernels of its students."""
        root = psutil.Process(self._process.pid)
        return sum(one.memory_full_info().uss for one in (root, *root.children(recursive=True)))

    def end(self) -> None:
        everything = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        self._process.wait(60)
        for process in everything:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._log.close()


class Student:
    """A kernel, and what it printed last.

    Parameters
    ----------
    hub : Hub or None
        Whose student it is; None for one who starts the kernel alone.
    name : str
    """

    def __init__(self, hub: Hub | None, name: str) -> None:
        self._manager = None
        if hub is None:
            self._manager = KernelManager()
            self._manager.start_kernel(cwd=str(LESSONS))
            self._client = self._manager.blocking_client()
        else:
            self._client = BlockingKernelClient(connection_file=str(hub.start_kernel(name)))
            self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=300)
        self.printed = ""
        self.run("import os; print(os.getpid())")
        self._process = psutil.Process(int(self.printed))

    def run(self, code: str) -> None:
        """Execute code and keep what it prints; an error in it is raised here."""
        texts: list[str] = []

        def hear(message: dict) -> None:
            if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
                texts.append(message["content"]["text"])

        answer = self._client.execute_interactive(code, output_hook=hear, timeout=600)
        if answer["content"]["status"] != "ok":
            raise RuntimeError(answer["content"]["evalue"])
        self.printed = "".join(texts)

    @property
    def memory(self) -> int:
        """Bytes that are this kernel's own."""
        return self._process.memory_full_info().uss

    def end(self) -> None:
        self._client.stop_channels()
        if self._manager is not None:
            self._manager.shutdown_kernel(now=True)


def together(jobs: list[Callable[[], object]]) -> list:
    """What these give, each in a thread of its own; the first error of them is raised."""
    with ThreadPoolExecutor(max(len(jobs), 1)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


@contextlib.contextmanager
def new_hub() -> Iterator[Hub]:
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub(Path(folder))
        try:
            yield hub
        finally:
            hub.end()


def measure(n: int, hub: Hub | None) -> None:
    begun = time.perf_counter()
    students = together([partial(Student, hub, f"student{i}") for i in range(n)])
    try:
        together([partial(student.run, START) for student in students])
        ready = time.perf_counter() - begun
        together([partial(student.run, MOVE % (MOVES, *THINKING)) for student in students])
        waited = [seconds for student in students for seconds in json.loads(student.printed)]
        memory = [student.memory / 1e6 for student in students]
        whole = sum(memory) / 1000 if hub is None else hub.memory / 1e9
    finally:
        for student in students:
            student.end()
    slow = statistics.quantiles(waited, n=10, method="inclusive")[-1]
    print(
        f"| {n} | {ready:.0f} | {statistics.median(waited):.2f} | {slow:.2f} | {max(waited):.2f} "
        f"| {statistics.median(memory):.0f} | {whole:.1f} |",
        flush=True,
    )


def take(lesson: Path) -> None:
    begun, most, is_over = time.perf_counter(), [0], threading.Event()
    student = Student(None, "")

    def watch() -> None:
        while not is_over.wait(0.5):
            most.append(student.memory)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for cell in nbformat.read(lesson, as_version=4).cells:
            if cell.cell_type == "code":
                student.run(cell.source)
    finally:
        is_over.set()
        watcher.join()
        student.end()
    print(f"| {lesson.stem} | {time.perf_counter() - begun:.0f} | {max(most) / 1e6:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, nargs="*", default=[1, 5, 10, 20])
    parser.add_argument(
        "--jupyterhub", action="store_true", help="behind a real hub; GB are those of all its processes"
    )
    parser.add_argument("--lessons", action="store_true", help="seconds and memory of each lesson, for one student")
    options = parser.parse_args()
    if options.jupyterhub and shutil.which("configurable-http-proxy") is None:
        sys.exit("A hub needs its proxy: npm install --global configurable-http-proxy")
    print(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    if options.lessons:
        print("| lesson | s | MB at most |\n|---|---|---|")
        for lesson in sorted(LESSONS.glob("*.ipynb")):
            take(lesson)
        return
    print("| students | ready after, s | a move, s: median | 9 of 10 below | longest | MB each | GB together |")
    print("|---|---|---|---|---|---|---|")
    for n in options.students:
        with new_hub() if options.jupyterhub else contextlib.nullcontext() as hub:
            measure(n, hub)


if __name__ == "__main__":
    main()
