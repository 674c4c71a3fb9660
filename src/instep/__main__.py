"""`python -m instep` is the `instep` command."""

from instep.cli import main

main()
