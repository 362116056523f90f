"""How many cores and how much memory a container leaves."""

import os

import pytest

from course_utils import cores


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Write files of control groups, on a machine with eight cores."""
    monkeypatch.setattr(cores, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)

    return write


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu_DOT_max": "max 100000\n"}, 8),
        ({"cpu_DOT_max": "200000 100000\n"}, 2),
        ({"cpu_DOT_max": "50000 100000\n"}, 1),
        ({"cpu_DOT_max": "150000 100000\n"}, 2),
        ({"cpu_DOT_max": "9900000 100000\n"}, 8),
        ({"cpu_DOT_max": "nonsense"}, 8),
        ({"cpu__cpu_DOT_cfs_quota_us": "400000", "cpu__cpu_DOT_cfs_period_us": "100000"}, 4),
        ({"cpu__cpu_DOT_cfs_quota_us": "-1", "cpu__cpu_DOT_cfs_period_us": "100000"}, 8),
    ],
)
def test_cores_are_those_that_the_container_leaves(container, files, expected):
    container(**files)
    assert cores.cores() == expected


def test_an_affinity_counts(container, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    container(cpu_DOT_max="400000 100000")
    assert cores.cores() == 2


def test_without_an_affinity_all_cores_of_the_machine(container, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.cores() == 1


def test_memory_that_the_container_leaves(container):
    assert cores.memory_limit() is None
    container(memory__memory_DOT_limit_in_bytes="9223372036854771712")
    assert cores.memory_limit() is None
    container(memory_DOT_max="max\n")
    assert cores.memory_limit() is None
    container(memory_DOT_max="2147483648\n")
    assert cores.memory_limit() == 2**31


def test_threads_are_limited_where_a_container_has_a_quota(container, monkeypatch):
    for name in cores.THREADS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    cores.limit_threads()
    assert not set(cores.THREADS) & os.environ.keys()
    container(cpu_DOT_max="200000 100000")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cores.limit_threads()
    assert [os.environ[name] for name in cores.THREADS] == ["2", "2", "1"]
