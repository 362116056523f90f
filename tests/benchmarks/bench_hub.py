"""What a hub needs: memory and waiting time when 1, 5, 10 or 20 students move sliders at once on this machine.

    python tests/benchmarks/bench_hub.py                 # 1, 5, 10 and 20 students: about 8 minutes
    python tests/benchmarks/bench_hub.py --students 5

Each student is a real kernel with an explorer on red wine (two layers, 100 epochs, batches of 256) who moves the width
every few seconds, as one who looks at the curves does. All kernels start at once, as on Tuesday at nine. No browser:
the pictures are drawn, and nobody shows them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import threading
import time

import psutil
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
MOVES, THINKING = 8, (2.0, 6.0)  # seconds between two moves


class Student:
    """A kernel, and what it printed last."""

    def __init__(self) -> None:
        self._manager = KernelManager()
        self._manager.start_kernel()
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=300)
        self.printed = ""

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
        return psutil.Process(self._manager.provisioner.pid).memory_full_info().uss

    def end(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def at_once(students: list[Student], code: str) -> float:
    """Seconds until all of them have run it."""
    begun, failed = time.perf_counter(), []

    def run(student: Student) -> None:
        try:
            student.run(code)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(student,)) for student in students]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - begun


def measure(n: int) -> None:
    begun = time.perf_counter()
    students: list[Student] = []
    starting = [threading.Thread(target=lambda: students.append(Student())) for _ in range(n)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    try:
        at_once(students, START)
        ready = time.perf_counter() - begun
        at_once(students, MOVE % (MOVES, *THINKING))
        waited = [seconds for student in students for seconds in json.loads(student.printed)]
        memory = [student.memory / 1e6 for student in students]
    finally:
        for student in students:
            student.end()
    slow = statistics.quantiles(waited, n=10, method="inclusive")[-1]
    print(
        f"| {n} | {ready:.0f} | {statistics.median(waited):.2f} | {slow:.2f} | {max(waited):.2f} "
        f"| {statistics.median(memory):.0f} | {sum(memory) / 1000:.1f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, nargs="*", default=[1, 5, 10, 20])
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB")
    print("| students | ready after, s | a move, s: median | 9 of 10 below | longest | MB each | GB together |")
    print("|---|---|---|---|---|---|---|")
    for n in options.students:
        measure(n)


if __name__ == "__main__":
    main()
