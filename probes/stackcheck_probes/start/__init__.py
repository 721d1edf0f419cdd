"""The check of a container that starts: look, judge, say why, then become the command."""
