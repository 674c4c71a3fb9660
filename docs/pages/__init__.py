"""A module per generated page of the reference: a function that returns its Markdown, and nothing else."""
