"""
Runs one script and leaves nothing of it: no process, no mount, no loop device. Reads a Request from standard input, and takes the end
of standard input for the order to stop, so that LocalEmu's death is one. Ends with the script's exit code.
"""

import sys

from .supervisor import supervise

sys.exit(supervise())
