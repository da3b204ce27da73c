"""JSON of others."""

import json
import re

# How deep lists and objects are nested at most.
DEPTH = 100

# A string, and a bracket outside of one.
STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
BRACKET = re.compile(r"[\[{\]}]")


def parse(text: str):
    """Reads a document; a `ValueError` says what is wrong with it.

    The interpreter does not see in time that its stack ends: a document that is
    nested some thousands deep would end the run.
    """
    depth = 0
    for bracket in BRACKET.findall(STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH:
            raise ValueError(f"nested more than {DEPTH} deep")
    return json.loads(text)
