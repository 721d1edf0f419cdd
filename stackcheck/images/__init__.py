"""Dockerfiles and chains of images as text: what to build, and what would be built again. Pure."""
