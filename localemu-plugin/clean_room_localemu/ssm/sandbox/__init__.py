"""
What an instance is on this machine: a script's processes. This package runs outside LocalEmu, as `python -m ...sandbox`, and uses the
standard library only.
"""
