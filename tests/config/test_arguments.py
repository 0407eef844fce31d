"""``key=value`` words of the commands that Hydra does not drive."""

import pytest

from restore.bounds import Count
from restore.config.arguments import parse
from restore.errors import RequestError

DEFAULTS = {"out": "here", "list": "false"}


def test_words_are_laid_over_the_defaults_and_split_at_the_first_sign():
    assert parse("usage", DEFAULTS, []) == DEFAULTS
    assert parse("usage", DEFAULTS, ["out=a=b", "list="]) == {"out": "a=b", "list": ""}


def test_help_is_printed(capsys):
    with pytest.raises(SystemExit) as stop:
        parse("\nhow to call it\n", DEFAULTS, ["out=x", "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == "how to call it\n"


@pytest.mark.parametrize(
    ("word", "sentence"),
    [("out", "'out' is not of the form key=value"), ("oat=x", "unknown key 'oat': did you mean 'out'")],
)
def test_other_words_are_refused(word, sentence):
    with pytest.raises(RequestError) as refusal:
        parse("usage", DEFAULTS, [word])
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("count=0", "count must be at least 1, and it is 0"),
        ("count=many", "count is a whole number, and it is 'many'"),
        ("list=maybe", "list is true or false, and it is 'maybe'"),
    ],
)
def test_values_of_a_kind_are_held_to_it(word, sentence):
    defaults, kinds = DEFAULTS | {"count": "5"}, {"count": Count, "list": bool}
    assert parse("usage", defaults, ["count=7"], **kinds) == {"out": "here", "list": False, "count": 7}
    with pytest.raises(RequestError) as refusal:
        parse("usage", defaults, [word], **kinds)
    assert sentence in str(refusal.value)
