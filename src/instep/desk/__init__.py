"""What a person can ask and decide at a site: shared by the command line, the API and the console.

Each decision is one transaction, and carries who made it; the journal keeps the name in the entry's reason. Nothing
here prints, and no network is used but by the runs that `plans` and `undoing` ask for.
"""
