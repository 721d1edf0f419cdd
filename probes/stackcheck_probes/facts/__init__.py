"""What each probe returns, as types: TorchBuild is what `run` of the probe torch_build returns, and so on.

Nothing imports these modules when it runs: probes and rules name the types in annotations, and `typing` would
cost 10 ms at the start of the agent. The tests hold every `run` against its type.
"""
