"""The Superset dashboard of `bi/superset`: its datasets, from the marts' own prose, and its import.

Charts and layout are drawn by hand there; nothing here knows what they show.
"""
