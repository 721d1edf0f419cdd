"""Put the entrypoint, and what it expects of its container, into an image."""
