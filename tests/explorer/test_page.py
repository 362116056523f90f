"""Who is held, cell by cell; in a shell of IPython's own, as the kernel has one."""

import gc
import weakref

import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils.explorer import page as page_module
from course_utils.explorer.page import Page


class Shown:
    """Something on a page, which knows why it left."""

    reason = None

    def end(self, reason, *, is_on_page):
        self.reason, self.stays = reason, is_on_page


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def run_cell(page, monkeypatch):
    """A function that runs a cell which shows these."""
    shell = InteractiveShell()
    monkeypatch.setattr(page_module, "get_ipython", lambda: shell)

    def run_cell(cell_id, *shown):
        shell.user_ns["show"] = lambda: [page.show(one, one.end) for one in shown]
        shell.run_cell("show()", cell_id=cell_id)

    return run_cell


def test_a_cell_that_runs_again_ends_what_it_showed_before(page, run_cell):
    first, second = Shown(), Shown()
    run_cell("a", first)
    assert first.reason is None
    run_cell("a", second)
    assert "its cell ran again" in first.reason
    assert not first.stays
    assert second.reason is None
    assert len(page) == 1


def test_several_in_a_cell_live_and_end_together(page, run_cell):
    pair, other = (Shown(), Shown()), Shown()
    run_cell("a", *pair)
    run_cell("b", other)
    assert [one.reason for one in (*pair, other)] == [None] * 3
    run_cell("a")
    assert all(pair[i].reason for i in (0, 1))
    assert other.reason is None


def test_what_is_shown_again_or_elsewhere_goes_on(run_cell):
    one, other = Shown(), Shown()
    run_cell("a", one, other)
    run_cell("a", other, one)
    run_cell("b", one)
    run_cell("a")
    assert one.reason is None
    assert other.reason
    run_cell("b")
    assert one.reason


def test_what_is_on_the_page_is_held_and_let_go(page, run_cell):
    shown = Shown()
    gone = weakref.ref(shown)
    run_cell("a", shown)
    del shown
    run_cell("b")
    gc.collect()
    assert gone() is not None
    run_cell("a")
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("has_names", [False, True])
def test_the_oldest_of_too_many_cells_is_ended_but_stays_to_be_looked_at(run_cell, monkeypatch, has_names):
    monkeypatch.setattr(page_module, "MOST_CELLS", 2)
    shown = [Shown() for _ in range(3)]
    for i, one in enumerate(shown):
        run_cell(f"{i}" if has_names else None, one)
    assert "newer cells" in shown[0].reason
    assert shown[0].stays
    assert [one.reason for one in shown[1:]] == [None, None]


def test_without_a_notebook_nobody_is_held(page, monkeypatch):
    monkeypatch.setattr(page_module, "get_ipython", lambda: None)
    one = Shown()
    page.show(one, one.end)
    assert len(page) == 0
