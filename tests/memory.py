"""The peak memory of a child process, told by itself."""

from __future__ import annotations

PRINT_PEAK = """
from pathlib import Path
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
"""The last lines of a child's script: print its peak in KiB.

Not ``ru_maxrss``: that is never below the peak of the process that started the child, here the tests themselves.
"""
