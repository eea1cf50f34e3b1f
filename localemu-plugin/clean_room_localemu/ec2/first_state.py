"""The state a resource is born in. https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""

import time

#: Seconds after which a resource has left its first state even when nobody looked.
LONGEST_SECONDS = 5.0


class FirstState:
    """
    Lasts for some seconds and until somebody has seen it, so that what does not wait fails here every time and not only on a fast
    machine.
    """

    def __init__(self, seconds: float) -> None:
        now = time.monotonic()
        self._ends, self._ends_at_last = now + seconds, now + LONGEST_SECONDS
        self._seen = False

    def lasts(self) -> bool:
        """Whether it still lasts, without having a look."""
        now = time.monotonic()
        return now < self._ends or (not self._seen and now < self._ends_at_last)

    def is_seen(self) -> bool:
        """Whether it still lasts, for one who looks."""
        lasts = self.lasts()
        self._seen = True
        return lasts
