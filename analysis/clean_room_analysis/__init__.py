# SPDX-License-Identifier: AGPL-3.0-or-later
"""Analysis of the volumes of a contained EC2 instance, as run on the forensic instance.

Flow: evidence device -> SHA-256 -> file systems -> inventory and checks -> outputs -> SHA-256 again -> manifest.
"""

__version__ = "0.1.0"
