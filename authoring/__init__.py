"""Tools for the authors of notebooks, run from the top folder: `python -m authoring record|check [notebook …]`."""
