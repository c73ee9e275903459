"""Ending a run on request: SIGTERM, as schedulers send it, and SIGINT, Ctrl-C."""

import signal


class Interruption:
    """While in its context, the first of these signals is only noted; a second one acts as usual.

    Attributes:
      signal: the number of the signal that came, or 0.
    """

    def __init__(self):
        self.signal = 0
        self._before = {}

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self):
        """What the process ends with: 128 and the signal's number, as shells count, 143 for SIGTERM; else 0."""
        return 128 + self.signal if self.signal else 0

    def _note(self, number, frame):
        del frame
        self.signal = number
        signal.signal(number, self._before[number])
