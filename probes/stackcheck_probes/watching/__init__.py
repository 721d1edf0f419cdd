"""What probes that run code need: imports kept quiet, processes and compilations watched, errors measured."""
