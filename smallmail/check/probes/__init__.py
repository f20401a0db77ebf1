"""The room probes."""
