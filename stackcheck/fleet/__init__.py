"""Many stacks on many machines: what each node has, which stack goes where, and results kept as they come.

Nothing is scheduled here: Ray does that for a cluster (`cluster.py`, the extra `fleet`), and processes of
this machine take turns without it (`jobs.py`). Where a stack may run is a pure function (`placing.py`).
"""
