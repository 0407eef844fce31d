"""The protocols of a configuration: each as its file states it and, beside it, with the switches that were turned.

A switch that a person types holds for every family of that protocol. What is scored stands in the configuration in
full: ``protocols`` has the plain one, ``dncnn``, and the turned one, ``dncnn+border=0``, whose name says what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf, open_dict

from restore.config.loading import SEARCH_PATH, load, members, parse
from restore.config.resolvers import to_plain
from restore.config.values import check_value
from restore.errors import RequestError, unknown_name
from restore.evaluation.protocol import Protocol

HINTS = get_type_hints(Protocol, include_extras=True)
SWITCHES = {key: hint for key, hint in HINTS.items() if key not in ("name", "families")}


def complete_protocols(config: DictConfig, words: Sequence[str]) -> None:
    """Put each protocol's own values beside the turned ones, each under the name that stands in the record.

    Raises:
        RequestError: no protocol, one without a file, an unknown switch, or a value that it cannot have.
    """
    place = tuple(word for word in words if word.lstrip("+").startswith(f"{SEARCH_PATH}="))
    _check_names(config, members("protocol", place))
    plain, turned = {}, {}
    for name, node in to_plain(config.protocols).items():
        check_switches(name, node)
        asked = hold_for_every_family(node, [switch for key, switch in typed_switches(words) if key == name])
        stated = stated_protocol(name, place)
        plain[name] = stated | {"name": name}
        label = turned_name(name, asked, stated)
        if label != name:
            turned[label] = asked | {"name": label}
    with open_dict(config):
        config.protocols = OmegaConf.create(plain | turned)


def _check_names(config: DictConfig, names: Sequence[str]) -> None:
    if "protocol" in config:
        raise RequestError("a protocol's file begins with '# @package protocols.<its name>', and one of these does not")
    if not config.get("protocols"):
        raise RequestError(f"protocol names none; there are {', '.join(names)}")
    for name in config.protocols:
        if name not in names:
            raise RequestError(f"protocols.{name} has no file protocol/{name}.yaml; there are {', '.join(names)}")


@lru_cache(maxsize=64)
def _stated(name: str, place: tuple[str, ...]) -> dict[str, Any]:
    return to_plain(load("scoring", [f"protocol={name}", *place]).protocols[name])


def stated_protocol(name: str, place: tuple[str, ...] = ()) -> dict[str, Any]:
    """The switches of a protocol as its file states them.

    Args:
        place: the word that adds a folder of a person's own, if there is one.
    """
    return dict(_stated(name, place))


# -- checking --------------------------------------------------------------------------------------


def check_switches(name: str, node: Mapping[str, Any]) -> None:
    """Refuse keys that are no switches, values of another type, and a protocol that does not state them all.

    Raises:
        RequestError: one sentence, with the nearest name.
    """
    place = f"protocols.{name}"
    for key in ("_target_", *SWITCHES, "families"):
        if key not in node:
            raise RequestError(f"{place} lacks {key}: its file begins with 'defaults: [_base, _self_]'")
    _check_values(place, {key: value for key, value in node.items() if key not in ("_target_", "families")})
    families = node["families"]
    for family, rules in families.items() if isinstance(families, Mapping) else [("", families)]:
        where = f"{place}.families.{family}".rstrip(".")
        if not isinstance(rules, Mapping):
            raise RequestError(f"{where} is a mapping such as {{sr: {{border: -1}}}}, and it is given {rules!r}")
        _check_values(where, rules)


def _check_values(place: str, switches: Mapping[str, Any]) -> None:
    for switch, value in switches.items():
        if switch not in SWITCHES:
            raise unknown_name("key", f"{place}.{switch}", [f"{place}.{known}" for known in SWITCHES])
        check_value(f"{place}.{switch}", value, SWITCHES[switch])


# -- turning ---------------------------------------------------------------------------------------


def typed_switches(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Protocol and switch of each word that turns one, ``families.sr.border`` for a family's own."""
    for word in words:
        if word.lstrip("+").startswith("protocols."):
            override = parse(word)
            name, _, switch = override.key_or_group.removeprefix("protocols.").partition(".")
            yield from ((name, key) for key in _leaves(switch, override.value()))


def _leaves(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part, inner in value.items():
            yield from _leaves(f"{key}.{part}".lstrip("."), inner)
    else:
        yield key


def hold_for_every_family(node: Mapping[str, Any], typed: Sequence[str]) -> dict[str, Any]:
    """The protocol with each typed switch in force for all families, those typed for one family excepted.

    The typed switches stand last, in the order in which they were typed: so they stand in the name.
    """
    families = {
        family: {key: value for key, value in rules.items() if key not in typed or f"families.{family}.{key}" in typed}
        for family, rules in node["families"].items()
    }
    last = [switch for switch in dict.fromkeys(typed) if switch in SWITCHES]
    first = {key: value for key, value in node.items() if key not in last}
    return first | {key: node[key] for key in last} | {"families": families}


def turned_name(name: str, asked: Mapping[str, Any], stated: Mapping[str, Any]) -> str:
    """The name with what differs from the file: ``dncnn+border=0``, for one family ``dncnn+sr.border=0``.

    Example:
        >>> turned_name("own", {"border": 2, "families": {}}, {"border": 2, "families": {"sr": {"border": -1}}})
        'own+border=2'
    """
    families = stated["families"]
    freed = {key for family, rules in families.items() for key in rules if key not in asked["families"].get(family, {})}
    switches = {key: asked[key] for key in asked if key in SWITCHES and (key in freed or asked[key] != stated[key])}
    own = {
        f"{family}.{key}": value
        for family, rules in asked["families"].items()
        for key, value in rules.items()
        if key in switches or families.get(family, {}).get(key) != value
    }
    parts = [f"{key}={str(value).lower()}" for key, value in (switches | own).items()]
    return f"{name}+{','.join(parts)}" if parts else name
