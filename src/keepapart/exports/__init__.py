"""The map of fault domains, in the form that another system reads.

`map_of` makes the map of an audit, of which any two domains are separate; `formats` are the forms, and
`Format.render` writes one. `write_files` and `write_labels` bring it where it is read, `give_racks` packs it
for who wants racks for good, and `findings` says what one domain takes of a quorum.
"""

from __future__ import annotations

from keepapart.documents.base import Reason
from keepapart.documents.domains import DomainEntry, DomainsDocument, PlacedEntry
from keepapart.exports.domain_map import map_of, renamed
from keepapart.exports.files import write_files
from keepapart.exports.format import Format
from keepapart.exports.formats import formats, named
from keepapart.exports.node_labels import write_labels
from keepapart.exports.packing import give_racks, read_racks
from keepapart.exports.row import Row
from keepapart.exports.sets import Finding, MemberSet, findings, read_sets

__all__ = [
    "DomainEntry",
    "DomainsDocument",
    "Finding",
    "Format",
    "MemberSet",
    "PlacedEntry",
    "Reason",
    "Row",
    "findings",
    "formats",
    "give_racks",
    "map_of",
    "named",
    "read_racks",
    "read_sets",
    "renamed",
    "write_files",
    "write_labels",
]
