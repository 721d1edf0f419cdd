"""Stacks against hosts: what each cell is, by the strongest that is known. Judged, diffed, rendered."""
