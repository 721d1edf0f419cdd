"""Images and containers: one client for each engine that has the Docker Engine API, and how it builds."""
