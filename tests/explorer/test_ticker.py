"""The ticker hands over what the explorer's threads painted, and nothing else, when the page asks."""

import threading

import ipywidgets
import pytest

from course_utils.explorer.ticker import Ticker


@pytest.fixture
def told(monkeypatch):
    """What is sent, in order: a widget's state as (widget, name), the ticker's answer as a dict."""
    sent = []
    monkeypatch.setattr(ipywidgets.HTML, "send_state", lambda widget, key=None: sent.append((widget, key)))
    monkeypatch.setattr(Ticker, "send", lambda ticker, content, buffers=None: sent.append(content))
    return sent


@pytest.fixture
def watched():
    ticker, text = Ticker(), ipywidgets.HTML()
    ticker.watch([ticker, text])
    return ticker, text


def in_thread(name, act):
    thread = threading.Thread(target=act, name=name)
    thread.start()
    thread.join()


def ask(ticker):
    ticker._handle_custom_msg({"ask": True}, [])


def test_what_the_painter_changed_is_sent_once(watched, told):
    ticker, text = watched
    in_thread("explorer paint", lambda: setattr(text, "value", "a"))
    told.clear()  # ipywidgets sends by itself, too: to nobody, here
    ask(ticker)
    ask(ticker)
    assert told == [(text, "value"), {"over": False}, {"over": True}]


def test_what_others_changed_is_left_alone(watched, told):
    ticker, text = watched
    text.value = "a"
    in_thread("another", lambda: setattr(text, "value", "b"))
    told.clear()
    ask(ticker)
    assert told == [{"over": True}]


def test_it_goes_on_while_there_is_more_to_come(watched, told):
    ticker, _ = watched
    ticker.is_over = False
    ask(ticker)
    assert told == [{"over": False}]


def test_it_beats_from_threads_until_it_is_heard(watched):
    ticker, _ = watched
    ticker.painted(is_over=False)
    assert ticker.beat == 0
    in_thread("explorer paint", lambda: ticker.painted(is_over=False))
    assert ticker.beat == 1
    ticker._handle_custom_msg({"heard": True}, [])
    in_thread("explorer paint", lambda: ticker.painted(is_over=True))
    assert (ticker.beat, ticker.is_over) == (1, True)
