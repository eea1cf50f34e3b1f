# SPDX-License-Identifier: AGPL-3.0-or-later
"""The acquisition volume: what was taken of the victim's memory and of what lives only there (docs/memory.md)."""
