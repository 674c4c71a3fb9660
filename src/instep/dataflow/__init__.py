"""Configuration files and dataflow documents: text in, checked and frozen dataflows or problems out.

Reading order: `yaml` (text to values with places), `spelling` (did you mean), `line` (one property on one line),
`models` (the shape of the files), `files` (a file to a model, all problems at once), `build` (a model to a
`Dataflow`), `check` (against what the systems can do), `documents`, `conversion` and `document_writer` (the
reStructuredText form), `scaffold` (what a new site starts from), `schema` (JSON Schemas for editors).
"""
