"""The cache lends to one at a time, and lets go of what was not used for longest."""

import threading

import pytest

from course_utils.training.cache import GraphCache, bytes_of


def use(cache, key, size=1.0, make=object):
    with cache.borrow(key, make, size=size) as kept:
        return kept


def test_what_was_made_once_is_lent_again():
    cache = GraphCache(10)
    first = use(cache, "a")
    assert use(cache, "a") is first
    assert use(cache, "b") is not first
    assert len(cache) == 2


def test_what_has_no_key_is_made_anew():
    cache = GraphCache(10)
    assert use(cache, None) is not use(cache, None)
    assert len(cache) == 0


def test_it_is_not_here_while_it_is_lent_out():
    cache = GraphCache(10)
    with cache.borrow("a", object, size=1):
        assert "a" not in cache
    assert "a" in cache


def test_the_one_used_longest_ago_goes_first():
    cache = GraphCache(3)
    for key in "abcad":  # `a` is used again before `d` needs room
        use(cache, key)
    assert [key in cache for key in "abcd"] == [True, False, True, True]


def test_bytes_count_and_not_how_many_there_are():
    cache = GraphCache(10)
    for key, size in (("a", 4), ("b", 4), ("c", 6)):
        use(cache, key, size)
    assert [key in cache for key in "abc"] == [False, True, True]


def test_what_is_lent_out_takes_room_too():
    cache = GraphCache(10)
    use(cache, "a", 6)
    with cache.borrow("b", object, size=6):
        assert "a" not in cache


def test_nothing_larger_than_the_cache_is_kept():
    cache = GraphCache(10)
    first = use(cache, "a", 11)
    assert "a" not in cache
    assert use(cache, "a", 11) is not first


def test_what_ended_in_an_exception_is_not_kept():
    cache = GraphCache(10)
    first = use(cache, "a")
    with pytest.raises(KeyboardInterrupt), cache.borrow("a", object, size=1):
        raise KeyboardInterrupt
    assert "a" not in cache
    assert use(cache, "a") is not first


def test_what_could_not_be_made_is_not_lent():
    cache = GraphCache(10)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        use(cache, "a", make=fail)
    assert use(cache, "a") is not None  # nobody has it


def test_a_second_one_is_made_for_who_does_not_wait():
    cache = GraphCache(10)
    with cache.borrow("a", object, size=1) as first:
        second = use(cache, "a")
        assert second is not first
    assert use(cache, "a") is first


def test_who_waits_gets_the_same_one():
    cache, found = GraphCache(10), []

    def wait():
        with cache.borrow("a", object, size=1, wait=lambda: True) as kept:
            found.append(kept)

    with cache.borrow("a", object, size=1) as first:
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join()
    assert found == [first]


def test_who_is_told_not_to_wait_any_longer_makes_another():
    cache, asked = GraphCache(10), iter([True, True, False])
    with (
        cache.borrow("a", object, size=1) as first,
        cache.borrow("a", object, size=1, wait=lambda: next(asked)) as second,
    ):
        assert second is not first
    assert list(asked) == []


def test_clear_forgets_all_that_is_at_rest_and_frees_it(monkeypatch):
    cache, freed = GraphCache(10), []
    monkeypatch.setattr("course_utils.training.cache._give_back", lambda: freed.append(1))
    use(cache, "a")
    with cache.borrow("b", object, size=1) as lent:
        cache.clear()
        assert len(cache) == 0
    assert freed == [1]
    assert use(cache, "b") is lent


def test_what_was_let_go_is_freed_when_it_is_some_and_nobody_waits_or_when_it_is_much(monkeypatch):
    cache, freed = GraphCache(10), []
    monkeypatch.setattr("course_utils.training.cache._give_back", lambda: freed.append(1))
    use(cache, None, 14e6)
    cache.tidy(is_idle=True)
    use(cache, None, 2e6)
    cache.tidy(is_idle=False)
    assert freed == []
    cache.tidy(is_idle=True)
    assert freed == [1]
    use(cache, None, 31e6)
    cache.tidy(is_idle=False)
    assert freed == [1, 1]


def test_eight_threads_never_have_one_thing_at_once_and_lose_nothing():
    cache, clashes = GraphCache(2.5), []

    def work(number):
        for turn in range(300):
            with cache.borrow((number + turn) % 4, threading.Lock, size=1) as lock:
                if not lock.acquire(blocking=False):
                    clashes.append(number)
                    continue
                lock.release()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []
    assert len(cache) == 2
    assert all(use(cache, key) is not None for key in range(4))


def test_more_weights_and_more_layers_take_more():
    assert bytes_of(1000, 3) < bytes_of(2000, 3) < bytes_of(2000, 4)
