"""The watches that come with the package: configuration only, one folder each (see schemas/watch.py)."""
