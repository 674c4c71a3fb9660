"""The documents, and what makes the generated ones: `python -m docs.generate`."""
