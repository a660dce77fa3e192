"""The cases, by the names that the targets have."""
