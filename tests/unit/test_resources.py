"""Memory and cores, from the files of kernels as containers show them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smallmail import resources
from smallmail.resources import Resources

MIB = 1024 * 1024
GIB_8 = f"MemTotal: {8 * 1024 * 1024} kB\nMemFree: 12 kB\n"
V2 = "24 18 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = ("25 18 0:22 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "26 18 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
DOCKER = "26 18 0:23 /docker/0a1b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
NO_LIMIT = 9223372036854771712

# What process 1 is in, what is mounted, the files below /sys/fs/cgroup, and the size.
CASES = {
    "a machine": ("0::/init.scope\n", V2, {"system.slice/memory.max": "max"}, (2048, 4)),
    "a machine of systemd before 247": ("9:memory:/\n0::/init.scope\n", V1,
                                        {"memory/memory.limit_in_bytes": f"{NO_LIMIT}",
                                         "cpu,cpuacct/cpu.cfs_quota_us": "-1",
                                         "cpu,cpuacct/cpu.cfs_period_us": "100000"}, (2048, 4)),
    "a container with a namespace of its own": (
        "0::/init.scope\n", V2, {"memory.max": f"{512 * MIB}", "cpu.max": "150000 100000"}, (512, 2)),
    "a container that sees its host's groups": (
        "0::/lxc/7/init.scope\n", V2, {"memory.max": "max", "lxc/memory.max": f"{900 * MIB}", "cpu.max": "max 100000",
                                       "lxc/7/memory.max": f"{700 * MIB}", "lxc/7/cpu.max": "50000 100000"},
        (700, 1)),
    "a slice with a soft limit": (
        "0::/init.scope\n", V2, {"system.slice/memory.max": f"{800 * MIB}", "system.slice/memory.high": f"{600 * MIB}",
                                 "system.slice/cpu.max": "300000 100000"}, (600, 3)),
    "version 1, the container's group alone is mounted": (
        "9:memory:/docker/0a1b\n", DOCKER, {"memory/memory.limit_in_bytes": f"{512 * MIB}"}, (512, 4)),
    "version 1, groups of which the container knows other names": (
        "9:memory:/somewhere/else\n8:cpuacct,cpu:/\n", DOCKER + V1.splitlines()[0] + "\n",
        {"memory/memory.limit_in_bytes": f"{512 * MIB}", "cpu,cpuacct/cpu.cfs_quota_us": "200000",
         "cpu,cpuacct/cpu.cfs_period_us": "100000"}, (512, 2)),
    "both versions": ("9:memory:/\n0::/init.scope\n", V1 + V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"),
                      {"memory/memory.limit_in_bytes": f"{1024 * MIB}", "unified/memory.max": f"{640 * MIB}"},
                      (640, 4)),
    "outside of the namespace": ("0::/../../init.scope\n", V2, {"memory.max": f"{512 * MIB}"}, (512, 4)),
    "no control groups": ("", "18 1 0:17 / / rw - ext4 /dev/sda rw\n", {}, (2048, 4)),
    "nonsense": ("0\n::\n", "24\n - \n" + V2,
                 {"memory.max": "0", "cpu.max": "0 100000", "system.slice/cpu.max": "1 0\n"}, (64, 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_smallest_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    groups, mounts, limits, expected = CASES[case]
    files = {"proc/meminfo": GIB_8, "proc/1/cgroup": groups, "proc/self/mountinfo": mounts,
             **{f"sys/fs/cgroup/{name}": text for name, text in limits.items()}}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "ascii")
    kernel = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2048 * MIB // 4096}
    monkeypatch.setattr(os, "sysconf", kernel.__getitem__)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(4))
    assert resources.measured(str(tmp_path))[:2] == expected


def test_less_in_meminfo_counts_and_cores_that_process_1_may_not_use_do_not(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  131072 kB\n", "ascii")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert resources.measured(str(tmp_path))[:2] == (128, 1)


@pytest.mark.parametrize(("before", "now", "differs"), [
    ((2048, 2, True), (2048, 2, True), False), ((2048, 2, True), (1967, 2, True), False),
    ((1967, 2, True), (2048, 2, True), False), ((2048, 2, True), (2048, 1, True), True),
    ((2048, 2, True), (1024, 2, True), True), ((512, 2, True), (1024, 2, True), True),
    ((512, 2, True), (512, 2, False), True),
])
def test_limits_follow_a_running_host_when_it_differs_much(
        before: tuple[int, int, bool], now: tuple[int, int, bool], differs: bool) -> None:
    assert resources.differ_much(Resources(*before), Resources(*now)) is differs


def test_a_change_in_words() -> None:
    assert resources.resources_change(Resources(512, 1, ipv6=False), Resources(2048, 2, ipv6=True)) == (
        "this host has 512 MiB of memory, 1 core, no IPv6 (it had 2048 MiB of memory, 2 cores, IPv6)")
