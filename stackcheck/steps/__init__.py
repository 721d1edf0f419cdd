"""The steps of a run, one module each: what a step does, and which facts it leaves for the rules."""
