"""The probes: one subject a module, facts out, never a verdict. A new one is a new module here."""
