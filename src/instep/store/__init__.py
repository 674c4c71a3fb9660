"""Where state lives: the contract, and SQLite."""
