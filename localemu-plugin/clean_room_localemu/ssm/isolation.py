"""Whether this machine lets commands have namespaces and loop devices of their own."""

import logging
import os
import shutil
import subprocess
import sys
from functools import cache

from .sandbox.supervisor import NAMESPACES

LOG = logging.getLogger(__name__)


@cache
def can_isolate() -> bool:
    """Needs Linux, root, and a kernel that lets root do it, which a container's may not. Asked once."""
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "losetup", "blockdev", "mount"))):
        return False
    for question in ((*NAMESPACES, "true"), ("losetup", "--find")):
        answer = subprocess.run(question, capture_output=True, text=True, timeout=30)
        if answer.returncode != 0:
            LOG.warning("Commands run as plain processes, since %s failed: %s", question[0], answer.stderr.strip()[:300])
            return False
    return True
