"""What is wrong with the variables as they are written: names, addresses, secrets, lookups, and every plain value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from ipaddress import ip_address

from pointsman.inventory.documents import is_template, scalars, tagged_secret
from pointsman.inventory.judging import expected_name, known_name, misfit, validated, wrong_value
from pointsman.inventory.layout import Layout, Written
from pointsman.inventory.shape import at_key, meant
from pointsman.inventory.variables import ADDRESS_KEY, NAMES, OWN_PREFIXES, SECRETS
from pointsman.spec.base import Location
from pointsman.spec.document import Document, Rest, Scalar
from pointsman.spec.mistakes import Mistake, shown

VAULT_VARIABLES = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST")
"""Where Ansible takes the vault's password from; one of them is enough."""
_PASSWORD_WORDS = f"{VAULT_VARIABLES[0]}, naming a file that holds the vault's password"
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?![\w:.])")
_LOOKUP = re.compile(r"\b(?:lookup|query|q)\(\s*['\"](?:ansible\.builtin\.)?([\w.]+)")


def written_mistakes(layout: Layout) -> Iterator[Mistake]:
    """Every mistake that can be seen without Ansible."""
    secret = {id(document): tagged_secret(document) for document in layout.parsed.documents.values()}
    if not any(os.environ.get(name) for name in VAULT_VARIABLES):
        yield from _no_password(layout, secret)
    for _, _, name, written in layout.written():
        yield from _variable(name, written, secret[id(written.document)])


def _no_password(layout: Layout, secret: dict[int, dict[Location, Mistake]]) -> Iterator[Mistake]:
    for name in sorted(layout.parsed.encrypted):
        document = layout.parsed.documents[name]
        yield document.mistake(
            "wrong value", document.place(0), (), "the file is encrypted, and there is no password", _PASSWORD_WORDS
        )
    for document in layout.parsed.documents.values():
        for found in secret[id(document)].values():
            yield Mistake(
                found.file, found.line, found.column, found.key, "wrong value", "",
                "the value is encrypted, and there is no password", _PASSWORD_WORDS,
            )  # fmt: skip


def _variable(name: str, written: Written, secret: dict[Location, Mistake]) -> Iterator[Mistake]:
    if not known_name(name):
        yield at_key(written, "unknown key", expected_name(), _meant_name(name), "unknown key")
        return
    unreadable = [place for place in written.document.unreadable if place[: len(written.at)] == written.at]
    if name in SECRETS and not is_template(written.node) and not unreadable:
        words = "a value that is encrypted by `ansible-vault encrypt_string`, or lookup('env', …)"
        yield at_key(written, "a secret in clear", words, "change the secret as well: this file was read by others")
        return
    if name != ADDRESS_KEY:
        yield from _addresses(written, secret)
    yield from _lookups(written)
    if name in NAMES and not is_template(written.node) and not unreadable:
        yield from _value(name, written)


def _meant_name(name: str) -> str:
    if near := meant(name.lower().replace("-", "_"), NAMES):
        return near
    own = f"{OWN_PREFIXES[0]}{name}"
    return f"a variable of your own is called {own}" if known_name(own) else ""


def _addresses(written: Written, secret: dict[Location, Mistake]) -> Iterator[Mistake]:
    for place, scalar in scalars(written.node, written.at):
        if place in secret or not isinstance(scalar.value, str):
            continue
        for found in (*_IPV4.findall(scalar.written), *_IPV6.findall(scalar.written)):
            if _is_address(found):
                yield written.document.mistake(
                    "wrong value",
                    scalar.place,
                    place,
                    f"the address {found} where a name belongs",
                    f"a name; addresses stand in {ADDRESS_KEY} only, or come from lookup('env', …)",
                    value=scalar.shown,
                )
                break


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _lookups(written: Written) -> Iterator[Mistake]:
    for place, scalar in scalars(written.node, written.at):
        for found in _LOOKUP.findall(scalar.written):
            if found != "env":
                yield written.document.mistake(
                    "wrong value",
                    scalar.place,
                    place,
                    f"the lookup {shown(found)}, whose answer may change unseen",
                    "lookup('env', …), the only one",
                    value=scalar.shown,
                )


def _value(name: str, written: Written) -> Iterator[Mistake]:
    if isinstance(written.node, Scalar) and written.node.value is None and not written.node.written:
        yield at_key(written, "nothing is written", "a value", "leave the key out to have its default")
        return
    holder = Document("", "")
    holder.root = written.node
    value = Rest(holder.root, set()).data
    _, wrong, misfits = validated({name: value})
    yield from (wrong_value(written, detail, value, "") for detail in wrong)
    for found in misfits:
        # Values of which only one is here are judged once they are all resolved.
        keys = [key for key in found.keys if len(key) > 1]
        yield from (misfit(written, key, found, "") for key in keys)
