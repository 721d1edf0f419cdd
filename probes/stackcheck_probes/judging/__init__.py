"""Judgements that host and target share: pure functions of facts, so that both say the same."""
