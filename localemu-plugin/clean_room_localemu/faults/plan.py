"""
Faults as they are written: SERVICE:OPERATION[@PRINCIPAL][#CALLS]=KIND[:SECONDS], such as ec2:CreateSnapshots#1=lost-reply.

SERVICE is the prefix of IAM actions (states, elasticloadbalancing) or the SDK's name. OPERATION may hold `*`. PRINCIPAL is a part of the
caller's ARN, such as a role's name. CALLS counts the calls that fit, tries of an SDK again included: 2, 2-4, 3+ or *; the first when it
is left out.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

#: Kind and whether it comes instead of the call's effect or after it.
KINDS = {
    #: Refused for its rate.
    "throttle": "instead",
    #: Refused with an internal error (500).
    "error": "instead",
    #: Refused by a service control policy.
    "deny": "instead",
    #: The connection ends before the call has an effect.
    "lost-request": "instead",
    #: The call has its effect, the connection ends without a reply.
    "lost-reply": "after",
    #: The call has its effect, the reply comes SECONDS later (30).
    "slow": "after",
    #: The call has its effect, the reply cannot be read.
    "malformed": "after",
    #: A read answers as before the last write, or while the last write is less than SECONDS ago.
    "stale": "read",
}
#: Reads of these always see what was written. https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
STRONGLY_CONSISTENT = ("s3",)
SERVICES = {"states": "stepfunctions"}
_FORM = re.compile(
    r"(?P<service>[a-z0-9-]+):(?P<operation>[A-Za-z0-9*]+)(@(?P<principal>[^#=\s]+))?"
    r"(#(?P<calls>\*|\d+(-\d+|\+)?))?=(?P<kind>[a-z-]+)(:(?P<seconds>\d+(\.\d+)?))?"
)


@dataclass
class Fault:
    """One fault, and how often calls fitted it and met it."""

    text: str
    service: str
    operation: str
    principal: str
    first: int
    last: float
    kind: str
    seconds: float | None
    calls: int = 0
    hits: int = field(default=0)

    def fits(self, service: str, operation: str, principal: str) -> bool:
        """Whether a call counts."""
        names = {service, "elasticloadbalancing"} if service in ("elb", "elbv2") else {service}
        return self.service in names and fnmatchcase(operation, self.operation) and self.principal in principal

    def count(self) -> bool:
        """Counts a call that fits. @returns whether the fault is for it"""
        self.calls += 1
        return self.first <= self.calls <= self.last


def parse(text: str) -> Fault:
    """Raises ValueError that says what is wrong and what is allowed."""
    found = _FORM.fullmatch(text.strip())
    if not found:
        raise ValueError(
            f"'{text}' is no fault. Write SERVICE:OPERATION[@PRINCIPAL][#CALLS]=KIND[:SECONDS], as ec2:CreateSnapshots#1=lost-reply"
        )
    kind, calls = found["kind"], found["calls"] or "1"
    if kind not in KINDS:
        raise ValueError(f"'{text}': '{kind}' is no kind of fault. The kinds are {', '.join(KINDS)}")
    if found["seconds"] and kind not in ("slow", "stale"):
        raise ValueError(f"'{text}': only slow and stale take seconds")
    service = SERVICES.get(found["service"], found["service"])
    if kind == "stale" and service in STRONGLY_CONSISTENT:
        raise ValueError(f"'{text}': reads of {service} are strongly consistent in AWS and never stale")
    first, _, last = calls.rstrip("+").partition("-")
    open_ended = calls.endswith("+") or calls == "*"
    begin = 1 if calls == "*" else int(first)
    end = float("inf") if open_ended else float(last or first)
    if begin < 1 or end < begin:
        raise ValueError(f"'{text}': calls are counted from 1, and a range goes up")
    seconds = float(found["seconds"]) if found["seconds"] else (30.0 if kind == "slow" else None)
    return Fault(text.strip(), service, found["operation"], found["principal"] or "", begin, end, kind, seconds)
