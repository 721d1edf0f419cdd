"""What a stack is made of: one record a distribution, each field with its evidence.

Rules, `suggest`, drift, the resolver's question and the entrypoint ask here which torch build is meant,
where a distribution comes from, and what an image brings; nobody reads that out of a definition by
themselves.
"""

from stackcheck.environment.environment import Distribution, Environment, definition_facts, environment_of
from stackcheck.environment.torchbuild import TorchBuild

__all__ = ["Distribution", "Environment", "TorchBuild", "definition_facts", "environment_of"]
