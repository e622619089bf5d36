"""The Bot API as tests/fixtures/telegram/bot_api.json describes it, and what in a value differs from that."""

import json
from pathlib import Path

FACTS = json.loads((Path(__file__).parent.parent / "fixtures/telegram/bot_api.json").read_text())
METHODS = {name.lower(): {"name": name, **method} for name, method in FACTS["methods"].items()}
TYPES = FACTS["types"]


def is_form(content_type):
    """Whether all arguments are texts, with JSON in those that are no strings."""
    return not content_type.startswith("application/json")


class Upload:
    """A file that came with the call; in the record, the object that tells its name and size."""

    def __str__(self):
        return "a file"


def arguments(method, args, as_texts=False):
    """What is wrong with the arguments of a call."""
    if not isinstance(args, dict):
        return [f"the arguments are no object: {args}"]
    if as_texts:
        texts = {name: it for name, it in args.items() if isinstance(it, str)}
        # A file is an argument by itself, unless another argument points at it as attach://name.
        files = {name: Upload() for name in args if name not in texts and not _points_at(texts, name)}
        args = {**texts, **files}
    return _fields(args, method["params"], "", as_texts)


def value(given, types, path="", as_texts=False):
    """What is wrong with `given`, which should be of one of `types`. A line for each finding: path and sentence."""
    if as_texts and isinstance(given, str) and types != ["String"]:
        given = _decoded(given)
    findings = [_of_type(given, name, path) for name in types]
    # Of several forms, the one that was most probably meant is the one with the fewest findings.
    return min(findings, key=len)


def _points_at(texts, name):
    return any(f"attach://{name}" in text for text in texts.values())


def _decoded(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def _of_type(given, name, path):
    if name.startswith("Array of "):
        if not isinstance(given, list):
            return [_differs(given, name, path)]
        return [it for n, item in enumerate(given) for it in value(item, [name[len("Array of ") :]], f"{path}[{n}]")]
    if name in _PLAIN:
        return [] if _PLAIN[name](given) else [_differs(given, name, path)]
    kind = TYPES[name]
    if kind.get("subtypes"):
        return value(given, kind["subtypes"], path)
    if name == "InputFile":
        return [] if isinstance(given, Upload) else [_differs(given, name, path)]
    if not isinstance(given, dict):
        return [_differs(given, name, path)]
    return _fields(given, kind["fields"], path, whose=name)


def _fields(given, known, path, as_texts=False, whose=None):
    of = f" of {whose}" if whose else ""
    unknown = [key for key in given if key not in known and not _is_old_name(key, given)]
    findings = [f"{_joined(path, key)}: no such field{of}" for key in unknown]
    for key, field in known.items():
        if key in given:
            findings += value(given[key], field["types"], _joined(path, key), as_texts)
        elif field["required"]:
            findings.append(f"{_joined(path, key)}: required{of}, but missing")
    return findings


_PLAIN = {
    "Integer": lambda it: isinstance(it, int) and not isinstance(it, bool),
    "Float": lambda it: isinstance(it, (int, float)) and not isinstance(it, bool),
    "String": lambda it: isinstance(it, str),
    "Boolean": lambda it: isinstance(it, bool),
}


def _is_old_name(key, given):
    """The published server writes a thumbnail twice: also under the name that it had before Bot API 6.6."""
    return key == "thumb" and given.get("thumbnail") == given["thumb"]


def _joined(path, key):
    return f"{path}.{key}" if path else key


def _differs(given, name, path):
    return f"{path or 'the value'}: {json.dumps(given, default=str)[:60]} is no {name}"
