"""The whole engine in a simulated world: real code, simulated systems, virtual time, one seed."""
