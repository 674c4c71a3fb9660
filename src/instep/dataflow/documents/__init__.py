"""Dataflow documents: the reStructuredText in which teams state what two systems keep in step.

Read: `reader` (a text to statements, each with its lines), `merging` (the statements of one or more documents, by
pair), `conversion` (those to the text of a `dataflow.yaml`, with an account of every line).
"""
