"""What would be installed, and why: uv, indexes and pages, locks. The only room that reaches the network.

`resolve.py` asks uv, `locking.py` gathers the facts that rules see, `index.py` reads pages, `lock.py` is the
lock as text.
"""
