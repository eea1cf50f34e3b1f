"""
AWS's documented token buckets, an account and a Region each.

EC2 has one for each API action, of a size by its category:
https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
Elastic Load Balancing has one for all reading actions of an API version together:
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html
"""

import threading
import time
from typing import Any

#: Tokens and tokens a second.
READING, READING_ALL, CHANGING = (100, 20), (50, 10), (50, 5)
LOAD_BALANCING = (40, 10)
#: Reads that take from the smaller bucket when they name neither a filter nor a page.
UNFILTERED = {
    "DescribeInstances",
    "DescribeInstanceStatus",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSnapshots",
    "DescribeSpotInstanceRequests",
    "DescribeVolumes",
}


class Bucket:
    """Takes one token a call."""

    def __init__(self, size: int, refill: float) -> None:
        self.size, self.refill = size, refill
        self.tokens, self.at = float(size), time.monotonic()

    def take(self) -> bool:
        """Whether a token was there."""
        now = time.monotonic()
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.refill)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Buckets:
    """All buckets of this AWS; they begin full."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._lock = threading.Lock()

    def admits(self, account: str, region: str, service: str, operation: str, params: dict[str, Any]) -> bool:
        """Takes a token for the call. Services without documented buckets always admit."""
        kind = bucket_of(service, operation, params)
        if kind is None:
            return True
        name, size, refill = kind
        with self._lock:
            return self._buckets.setdefault((account, region, service, name), Bucket(size, refill)).take()


def bucket_of(service: str, operation: str, params: dict[str, Any]) -> tuple[str, int, float] | None:
    """Name, size and refill of the bucket a call takes from; None for one without."""
    reads = operation.startswith(("Describe", "List", "Search", "Get"))
    if service in ("elb", "elbv2"):
        return ("reading", *LOAD_BALANCING) if reads else None
    if service != "ec2":
        return None
    if not reads:
        return (operation, *CHANGING)
    named = any(params.get(each) for each in ("Filters", "MaxResults", "NextToken"))
    return (f"{operation} of all", *READING_ALL) if operation in UNFILTERED and not named else (operation, *READING)
