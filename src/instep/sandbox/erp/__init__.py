"""The sample ERP, "Custom ERP": a plain REST service that a company might have."""
