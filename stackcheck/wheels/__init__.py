"""What stands in a wheel, as facts: read once, kept under its sha256, composed into what probes would see."""
