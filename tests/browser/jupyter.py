"""A JupyterLab of our own, and a browser page on one of its notebooks: what browser tests and benchmarks drive."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parents[2]
HOW_TO_GET_ONE = "no browser to test with: `pip install playwright` and `apt-get install chromium`"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]


def find_browser() -> str | None:
    """Path of a Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def browser() -> Iterator:
    """Playwright's handle of a running Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (tests are skipped where it is missing)

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


class Server(NamedTuple):
    """A running JupyterLab."""

    address: str
    token: str

    def url(self, path: str) -> str:
        """Address of a page, with the token that opens it."""
        return f"{self.address}/{path}{'&' if '?' in path else '?'}token={self.token}"

    def end_sessions(self) -> None:
        """End all kernels, as if everybody had gone home."""
        with urllib.request.urlopen(self.url("api/sessions")) as answer:
            sessions = json.loads(answer.read())
        for session in sessions:
            request = urllib.request.Request(self.url(f"api/sessions/{session['id']}"), method="DELETE")
            urllib.request.urlopen(request).close()


@contextlib.contextmanager
def jupyterlab(folder: Path, *, theme: str = "JupyterLab Light", subshells: str = "perCommTarget") -> Iterator[Server]:
    """Run JupyterLab in `folder`."""
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "themes": {"theme": theme},
        "kernels-settings": {"commsOverSubshells": subshells},
        "notification": {"fetchNews": "false", "checkForUpdates": False},
    }.items():
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(content))
    # The usual manager of extensions asks the network.
    options = [*_server_options(folder), "--LabApp.extension_manager=readonly"]
    with _served("jupyterlab", options, folder, probe="api") as server:
        yield server


@contextlib.contextmanager
def notebook7(folder: Path) -> Iterator[Server]:
    """Run Jupyter Notebook 7 in `folder`."""
    with _served("notebook", _server_options(folder), folder, probe="api") as server:
        yield server


@contextlib.contextmanager
def voila(notebook: Path) -> Iterator[Server]:
    """Run Voilà, which shows a notebook's outputs as a page of its own; that page is the server's root."""
    with _served("voila", [notebook.name, "--Voila.ip=127.0.0.1"], notebook.parent, probe="static/voila.js") as server:
        yield server


def _server_options(folder: Path) -> list[str]:
    options = ["--ip=127.0.0.1", f"--ServerApp.root_dir={folder}"]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*options, "--allow-root"] if is_root else options


@contextlib.contextmanager
def _served(module: str, options: list[str], folder: Path, *, probe: str) -> Iterator[Server]:
    """Run a server of Jupyter's with a token and settings of its own; `probe` answers once it is there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    token = secrets.token_hex()
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "JUPYTER_TOKEN": token,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    server = Server(f"http://127.0.0.1:{port}", token)
    command = [sys.executable, "-m", module, *options, "--no-browser", f"--port={port}"]
    with (folder / "jupyter.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_for(process, server.url(probe), folder / "jupyter.log")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:  # a kernel that is just starting may keep it
                process.kill()
                process.wait(30)


def _wait_for(process: subprocess.Popen, address: str, log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError:  # an answer, too: the server is there
            return
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise RuntimeError(f"Jupyter did not start:\n{log.read_text()[-2000:]}")


class Notebook:
    """A notebook in a browser page.

    Attributes
    ----------
    page : playwright.sync_api.Page
    complaints : list of str
        Errors and warnings in the browser's console since the notebook was opened.
    """

    def __init__(
        self, chromium, server: Server, folder: Path, cells: list[str], *, name: str, width: int = 1300
    ) -> None:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / name)
        self.page = chromium.new_page(viewport={"width": width, "height": 1000})
        self.complaints: list[str] = []
        self.page.goto(server.url(f"doc/tree/{name}?reset"))
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
        self.page.get_by_text("| Idle").wait_for(timeout=60_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def run(self, number: int, *, timeout: float = 120) -> str:
        """Run a cell (from 0) to its end and return its text output."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        prompt = cell.locator(".jp-InputPrompt").first
        before, end, pressed = prompt.inner_text(), time.monotonic() + timeout, 0.0
        while time.monotonic() < end:
            now = prompt.inner_text()
            if now != before and "*" not in now:
                return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())
            if now == before and time.monotonic() - pressed > 3:  # a notebook that has just opened may miss a key
                cell.locator(".cm-content").click()
                self.page.keyboard.press("Control+Enter")
                pressed = time.monotonic()
            time.sleep(0.05)
        raise TimeoutError(f"cell {number} did not end: {cell.inner_text()[:500]}")

    def close(self) -> None:
        self.page.close()


class Explorer:
    """The explorer in a page."""

    def __init__(self, notebook: Notebook) -> None:
        self.page = notebook.page
        self.root = self.page.locator(".explorer").first
        self.root.wait_for(timeout=90_000)

    def slider(self, name: str):
        row = self.root.locator(".explorer-row", has=self.page.get_by_text(name, exact=True))
        return row.locator(".noUi-handle")

    def field(self, name: str):
        row = self.root.locator(".explorer-row", has=self.page.get_by_text(name, exact=True))
        return row.locator("input[type=text]")

    def button(self, text: str):
        return self.root.locator("button", has_text=text)

    def status(self) -> str:
        return self.root.locator(".explorer-status").inner_text()

    def sentence(self) -> str:
        return self.root.locator(".explorer-sentence").inner_text()

    def picture(self) -> str:
        """Address of the picture that is shown; another one for every new picture."""
        return self.root.locator("img.explorer-curves").get_attribute("src") or ""

    def wait_for(self, condition: str, *arguments: str, timeout: float = 60) -> None:
        """Wait until a JavaScript expression of `sentence`, `status` and `picture` holds."""
        from playwright.sync_api import TimeoutError as TooLateError  # noqa: PLC0415  (as in `browser`)

        try:
            self.page.wait_for_function(
                """([condition, ...words]) => {
                    const root = document.querySelector('.explorer');
                    const sentence = root.querySelector('.explorer-sentence').innerText;
                    const status = root.querySelector('.explorer-status').innerText;
                    const picture = root.querySelector('img.explorer-curves').src;
                    return (new Function('sentence', 'status', 'picture', 'words', 'return ' + condition))(
                        sentence, status, picture, words);
                }""",
                arg=[condition, *arguments],
                timeout=timeout * 1000,
                polling=20,
            )
        except TooLateError:
            focus = self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
            values = self.root.locator(".noUi-handle").evaluate_all("all => all.map(one => one.ariaValueText)")
            raise AssertionError(
                f"After {timeout:g} s still not: {condition} {arguments}\nstatus: {self.status()}\n"
                f"sentence: {self.sentence()}\nsliders: {values}\nfocus: {focus}"
            ) from None

    def wait_finished(self, *words: str, timeout: float = 60) -> None:
        """Wait until training is over and the sentence is there and holds all words; it comes after the status."""
        self.wait_for(
            "status.includes('finished') && sentence && words.every(word => sentence.includes(word))",
            *words,
            timeout=timeout,
        )
