"""What runs on clusters that have a scheduler already: definitions and options in, documents out. Pure.

A stack meets a kind of GPU in one task; tasks of one image and one kind of GPU are an array, which is an
Indexed Job on Kubernetes and a job array on Slurm. What runs there is the agent
(`stackcheck_probes.arraytask`), and what it frames is read by `stackcheck.fleet.collect`.
"""
