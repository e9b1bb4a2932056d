"""The page people look at, written from a published file alone."""
