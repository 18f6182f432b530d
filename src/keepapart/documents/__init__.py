"""The JSON documents that the command line prints: one type each, and one published schema each.

A file is a family of documents; `schemas` knows them all, and `python -m keepapart.documents` writes their
JSON Schemas to `keepapart/schemas/`. Within one version of a document keys are added, as optional ones, and
none is taken away or changes its meaning.
"""
