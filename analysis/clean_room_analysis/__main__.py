# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m clean_room_analysis`."""

import sys

from clean_room_analysis.cli import supervised

sys.exit(supervised())
