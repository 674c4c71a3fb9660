"""The loops: recover, observe, plan, act. Takes connectors, store, clock and randomness as arguments."""
