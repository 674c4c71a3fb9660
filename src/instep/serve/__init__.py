"""One process that keeps a site in step day and night, and shows it: the loop, and the HTTP around it.

Decides nothing about records: the runner does. Everything that comes over HTTP is checked in `access` before a
part of `app` sees it.
"""
