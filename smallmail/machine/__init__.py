"""The room machine."""
