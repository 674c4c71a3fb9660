"""Public contract suites: what a connector or a store must pass, for anyone who writes one."""
