"""Which explorers are on the page: each is held while it is there, and ended when its cell runs again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from IPython import get_ipython
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell

__all__ = ["PAGE", "Page"]

End = Callable[..., None]

MOST_CELLS = 20
RAN_AGAIN = "This explorer was ended because its cell ran again. Use the new one, or make another: Explorer(data, …)."
TOO_MANY = f"This explorer was ended because {MOST_CELLS} newer cells show one. Run its cell again."


class Page:
    """Holds what was shown last by each cell of a notebook.

    IPython itself keeps all that a cell ever showed (`_`, `Out`), and a widget that `display` showed is kept by nobody
    but the page; so neither says whether an explorer is still of use. The cells do.
    """

    def __init__(self) -> None:
        self._shell: InteractiveShell | None = None
        self._cells: OrderedDict[Hashable, list[tuple[object, End]]] = OrderedDict()
        self._now: list[tuple[object, End]] = []  # shown by the cell that runs

    def __len__(self) -> int:
        return sum(map(len, self._cells.values()))

    def show(self, shown: object, end: End) -> None:
        """Hold `shown`; call `end(reason, is_on_page=…)` when its cell has run again, or it is one too many."""
        shell = get_ipython()
        if shell is None:
            return
        if shell is not self._shell:
            shell.events.register("post_run_cell", self._after_cell)
            self._shell = shell
        self._now.append((shown, end))

    def _after_cell(self, result: ExecutionResult) -> None:
        # Where the front end names no cell, each execution counts as a cell of its own.
        cell = getattr(result.info, "cell_id", None) or object()
        replaced, left_over = self._cells.pop(cell, []), []
        if self._now:
            self._cells[cell], self._now = self._now, []
        while len(self._cells) > MOST_CELLS:
            left_over += self._cells.popitem(last=False)[1]
        held = [id(shown) for group in self._cells.values() for shown, _ in group]
        for group, reason, is_on_page in ((replaced, RAN_AGAIN, False), (left_over, TOO_MANY, True)):
            for shown, end in group:
                if id(shown) not in held:
                    end(reason, is_on_page=is_on_page)


PAGE = Page()
