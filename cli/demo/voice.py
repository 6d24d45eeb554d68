"""How the demo speaks: what is being done, and each claim with its check."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Voice:
    """Prints, counts time, and remembers which claims did not hold."""

    began: float = field(default_factory=time.monotonic)
    failed: list[str] = field(default_factory=list)
    held: int = 0

    def title(self, text: str) -> None:
        """Begin a part."""
        print(f"\n{_bold(text)}", flush=True)

    def say(self, text: str = "") -> None:
        """Say something that stands by itself."""
        print(text, flush=True)

    def tell(self, text: str) -> None:
        """Say what happens now, with the time since the start."""
        print(f"  {self.seconds:5.1f} s  {text}", flush=True)

    def claim(self, text: str, holds: object) -> None:
        """Say what has been proved, or that it has not."""
        if holds:
            self.held += 1
            print(f"           {_green('✓')} {text}", flush=True)
        else:
            self.failed.append(text)
            print(f"           {_red('✗ NOT SO:')} {text}", flush=True)

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self.began


def _bold(text: str) -> str:
    return _styled("1", text)


def _green(text: str) -> str:
    return _styled("32", text)


def _red(text: str) -> str:
    return _styled("1;31", text)


def _styled(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if sys.stdout.isatty() else text
