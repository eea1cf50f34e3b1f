"""Corrections to LocalEmu, so that what passes a rehearsal passes on AWS. One concern a module; `start` installs them all."""
