"""The probes from the host's side: the agent that is packed for a target, and what came back."""
