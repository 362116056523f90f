"""Make `docs/explorer.png`, the picture at the top of the README, from the real explorer in a real JupyterLab.

`python docs/picture.py` from the top folder; needs Chromium and what `requirements-dev.txt` installs.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from jupyter import Explorer, Notebook, browser, jupyterlab  # noqa: E402

CELL = """from course_utils.data import load_mnist
from course_utils.explorer import Explorer
digits = load_mnist(n_train=1000, n_valid=1000, n_test=0)
Explorer(digits, controls=("width", "depth", "dropout"), width=64, depth=2, epochs=40, batch_size=64)"""


def main() -> None:
    """Train 64 × 2 units, pin them, train with dropout 0.5, and take the picture."""
    with tempfile.TemporaryDirectory() as name, jupyterlab(Path(name)) as server, browser() as chromium:
        notebook = Notebook(chromium, server, Path(name), [CELL], name="picture.ipynb")
        notebook.page.set_viewport_size({"width": 1300, "height": 1500})
        notebook.run(0)
        explorer = Explorer(notebook)
        explorer.wait_finished()
        explorer.button("Pin").click()
        explorer.field("dropout").fill("0.5")
        explorer.field("dropout").press("Enter")
        explorer.wait_finished("dropout 0.5")
        notebook.page.wait_for_timeout(2000)  # the last picture
        box, last = explorer.root.bounding_box(), explorer.root.get_by_text("1: width 64").bounding_box()
        clip = {**box, "y": box["y"] + 1, "height": last["y"] + last["height"] + 8 - box["y"]}
        notebook.page.screenshot(path=ROOT / "docs" / "explorer.png", clip=clip)


if __name__ == "__main__":
    main()
