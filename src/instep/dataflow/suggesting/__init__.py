"""Which fields of two entities most likely mean the same: told from names, types, and the values of records that
are the same thing. Nothing here reads or writes; the caller has the records.
"""

from instep.dataflow.suggesting.columns import Column, columns_of
from instep.dataflow.suggesting.partners import Found, find_partners
from instep.dataflow.suggesting.suggest import LEAST, Links, Suggestion, suggest

__all__ = ["LEAST", "Column", "Found", "Links", "Suggestion", "columns_of", "find_partners", "suggest"]
