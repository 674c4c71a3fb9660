"""Proposing a description from an OpenAPI document. The document is untrusted: bounded, and nothing it names is
fetched."""

from instep.connectors.rest.openapi.document import Document, read_document
from instep.connectors.rest.openapi.proposal import propose

__all__ = ["Document", "propose", "read_document"]
