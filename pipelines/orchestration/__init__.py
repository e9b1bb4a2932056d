"""The night and the Dagster graph around it. No business rule, no reading of files, no SQL of a mart."""
