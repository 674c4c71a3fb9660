"""Every protection that the engine has, and for each the proof that something breaks without it."""
