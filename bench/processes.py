"""What the processes of this machine have used, read from outside."""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU time of all threads of a process, user and system, in seconds. The same as utime + stime in /proc/<pid>/stat,
    but in nanoseconds rather than ticks: the process's own clock, whose id clock_getcpuclockid(3) makes so.
    """
    return time.clock_gettime((~pid << 3) | 2)


def family_cpu_s(pid: int) -> float:
    """The same of a process, its children, and those of them that have ended: a database server with its sessions."""
    return cpu_s(pid) + _ended_children_s(pid) + sum(cpu_s(child) for child in _children(pid))


def rss_bytes(pid: int) -> int:
    resident_pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(resident_pages) * os.sysconf("SC_PAGE_SIZE")


def rss_bytes_max(pid: int) -> int:
    """The most that it has ever held (proc(5): VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ended_children_s(pid: int) -> float:
    # proc(5): fields 16 and 17, cutime and cstime; the second field, a name, may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICKS_PER_S
