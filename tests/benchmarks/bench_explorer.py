"""How fast the explorer answers, from key press to picture, in a real JupyterLab and a real browser.

    python tests/benchmarks/bench_explorer.py                # about 4 minutes
    python tests/benchmarks/bench_explorer.py --only table   # or wine

It prints figures and judges nothing. Red wine, batches of 256, 100 epochs: 10 moves of the width slider at depth 2,
then 10 moves back over settings that are trained already; for some learning rates, which need no other graph, one run
and then the button × 5 seeds; and a sweep of the widths. Then the same moves on a CSV that a cell loads: 569 rows and
30 columns of numbers, which scikit-learn ships.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sklearn.datasets import load_breast_cancer

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))

from jupyter import HOW_TO_GET_ONE, Explorer, Notebook, Server, browser, find_browser, jupyterlab

IMPORTS = "import pandas as pd\nfrom course_utils.dataset import Dataset\n"
IMPORTS += "from course_utils.data import load_red_wine\nfrom course_utils.explorer import Explorer"
WINE = """controls = ("width", "depth", "dropout", "learning_rate")
Explorer(load_red_wine(), controls=controls, epochs=100, batch_size=256, width=4)"""
TABLE = """mine = Dataset.from_frame(pd.read_csv("mine.csv"), target="target", task="classification")
Explorer(mine, epochs=100, batch_size=256, width=4)"""
PAUSE = 2.0  # seconds between two moves: somebody looks at the picture
# Time stamps, in the page: of the key press, of every new picture and of the first with a curve of the new run, and of
# the last word on it. A picture comes just before its own status, and is loaded a little later.
WATCH = """() => {
    const root = document.querySelector('.explorer'), image = root.querySelector('img.explorer-curves');
    const status = root.querySelector('.explorer-status');
    window.seen = {key: 0, pictures: [], curve: 0, finished: 0};
    document.addEventListener('keydown', () => {
        window.seen = {key: performance.now(), pictures: [], curve: 0, finished: 0};
    }, true);
    image.addEventListener('load', () => setTimeout(() => {
        const now = performance.now() - window.seen.key;
        window.seen.pictures.push(now);
        if (!window.seen.curve && /epoch \\d|finished/.test(status.innerText)) window.seen.curve = now;
    }));
    new MutationObserver(() => {
        if (status.innerText.includes('finished')) window.seen.finished = performance.now() - window.seen.key;
    }).observe(status, {childList: true, subtree: true, characterData: true});
}"""


def move(explorer: Explorer, key: str, words: str) -> dict[str, float]:
    """Press a key on the width slider, and return seconds to the first picture of the new run and to the last."""
    explorer.slider("width").focus()
    explorer.page.keyboard.press(key)
    return finished(explorer, words)


def finished(explorer: Explorer, *words: str) -> dict[str, float]:
    """Wait for the end, and read the time stamps."""
    explorer.wait_finished(*words)
    time.sleep(0.3)  # for the last picture to be shown
    seen = explorer.page.evaluate("window.seen")
    first, last = seen["curve"] / 1000, max(seen["finished"], seen["pictures"][-1]) / 1000
    gaps = [b - a for a, b in zip(seen["pictures"], seen["pictures"][1:], strict=False)]
    return {"first": first, "last": last, "pictures": len(seen["pictures"]), "gap": max(gaps, default=0) / 1000}


def press_seeds(explorer: Explorer, words: str) -> dict[str, float]:
    """Press × 5 seeds by key, and return what `move` does."""
    explorer.button("5 seeds").focus()
    explorer.page.keyboard.press("Enter")
    return finished(explorer, words, "5 seeds")


def set_rate(explorer: Explorer, rate: str) -> dict[str, float]:
    """Type a learning rate, and return what `move` does."""
    explorer.field("learning rate").fill(rate)
    explorer.field("learning rate").press("Enter")
    return finished(explorer, f"learning rate {rate} ")


def report(title: str, moves: list[dict[str, float]]) -> None:
    """Print medians and ranges."""
    print(title)
    for name, words in (("first", "first new curve"), ("last", "finished curve")):
        values = [found[name] for found in moves]
        every = " ".join(f"{value:.2f}" for value in values)
        print(f"  {words:16} median {statistics.median(values):.2f} s   ({every})")
    counts, longest = [found["pictures"] for found in moves], max(found["gap"] for found in moves)
    print(f"  pictures         median {statistics.median(counts):g} a move, longest gap {longest:.2f} s")


def shown(chromium, server: Server, folder: Path, cell: str, name: str) -> Explorer:
    """The explorer of `cell` in a notebook of its own, finished and watched."""
    notebook = Notebook(chromium, server, folder, [IMPORTS, cell], name=f"{name}.ipynb")
    notebook.run(0)
    notebook.run(1)
    explorer = Explorer(notebook)
    explorer.wait_finished("width 4 ")
    notebook.page.evaluate(WATCH)
    time.sleep(PAUSE)
    return explorer


def move_widths(explorer: Explorer) -> list[dict[str, float]]:
    """Ten moves of the width, there and back, each to a network that was never trained; it starts and ends at 4."""
    fresh, width = [], 4
    for dropout in ("0", "0.25"):
        if dropout != "0":  # the same widths once more, as other networks
            explorer.field("dropout").fill(dropout)
            explorer.field("dropout").press("Enter")
            explorer.wait_finished(f"dropout {dropout} ")
            time.sleep(PAUSE)
        for key in ["ArrowRight"] * 5 if dropout == "0" else ["ArrowLeft"] * 5:
            width = width * 2 if key == "ArrowRight" else width // 2
            fresh.append(move(explorer, key, f"width {width} "))
            time.sleep(PAUSE)
    return fresh


def sweep_widths(explorer: Explorer) -> float:
    """Seconds of a sweep over the width, five seeds each, from the press to the finished picture."""
    begun = time.perf_counter()
    explorer.button("Sweep width").click()
    explorer.wait_finished("sweep of width", "8 values × 5 seeds", timeout=300)
    return time.perf_counter() - begun


def on_wine(explorer: Explorer) -> None:
    """Measure and print all there is for red wine."""
    report("10 moves to other widths, depth 2, red wine, batch 256, 100 epochs:", move_widths(explorer))
    stored, width = [], 4
    for key in ["ArrowRight", "ArrowLeft"] * 5:
        width = width * 2 if key == "ArrowRight" else width // 2
        stored.append(move(explorer, key, f"width {width} "))
    report("10 moves to settings that were trained before:", stored)
    explorer.field("width").fill("64")
    explorer.field("width").press("Enter")
    explorer.wait_finished("width 64 ")
    time.sleep(PAUSE)
    single, five = [], []
    for rate in ("0.002", "0.003", "0.004", "0.005", "0.006"):
        single.append(set_rate(explorer, rate))
        time.sleep(PAUSE)
        five.append(press_seeds(explorer, f"learning rate {rate} "))
        time.sleep(PAUSE)
    report("5 moves to other learning rates, width 64:", single)
    report("5 times × 5 seeds:", five)
    ratios = [many["last"] / one["last"] for one, many in zip(single, five, strict=True)]
    print(f"  in runs          median {statistics.median(ratios):.2f}")
    move(explorer, "ArrowLeft", "width 32 ")  # the slider moved last is the one that is swept
    time.sleep(PAUSE)
    print(f"sweep of 8 widths × 5 seeds: {sweep_widths(explorer):.1f} s")


def main() -> None:
    """Start JupyterLab, move the sliders, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["wine", "table"])
    only = parser.parse_args().only
    if find_browser() is None:
        sys.exit(HOW_TO_GET_ONE)
    with tempfile.TemporaryDirectory() as name, browser() as chromium, jupyterlab(Path(name)) as server:
        if only != "table":
            on_wine(shown(chromium, server, Path(name), WINE, "wine"))
            server.end_sessions()
        if only != "wine":
            load_breast_cancer(as_frame=True).frame.to_csv(Path(name) / "mine.csv", index=False)
            explorer = shown(chromium, server, Path(name), TABLE, "table")
            report(
                "10 moves to other widths, depth 2, a CSV of 569 × 30, batch 256, 100 epochs:", move_widths(explorer)
            )


if __name__ == "__main__":
    main()
