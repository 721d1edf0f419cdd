"""What travels into a target: probes, the agent that runs them, and what host and target must share.

Standard library only, Python 3.8 syntax, no import of the host package. A probe reports facts
(versions, paths, sonames, capabilities, exception text), never a verdict.
"""
