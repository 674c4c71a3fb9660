"""Objects that speak to one system each: the contract, the in-memory reference, Chargebee, REST."""
