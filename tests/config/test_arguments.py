"""``key=value`` words of the commands that Hydra does not drive."""

import pytest

from restore.bounds import Count
from restore.config.arguments import parse, read
from restore.config.commands import Apply, Datasets, Export
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


@pytest.mark.parametrize(
    ("schema", "word", "value"),
    [
        (Apply, "sigma=auto", "auto"),
        (Apply, "sigma=25", 25),
        (Apply, "sigma=2.5e1", 25.0),
        (Apply, "sigma=null", None),
        (Apply, "precision=32", "32"),
        (Apply, "input=25", "25"),
        (Apply, "input=a,b=c.png", "a,b=c.png"),
        (Apply, "run=null", None),
        (Apply, "self_ensemble=true", True),
        (Apply, "trust=true", True),
        (Apply, "trust=one", ["one"]),
        (Export, "trust=[one, two]", ["one", "two"]),
        (Datasets, "fetch=set12,bsd68", ["set12", "bsd68"]),
    ],
)
def test_a_schemas_words_are_read_as_its_annotations_have_them(schema, word, value):
    key = word.partition("=")[0]
    found = getattr(read("usage", schema, [word]), key)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("schema", "word", "sentence"),
    [
        (Datasets, "fetch=12", "fetch is a name"),
        (Datasets, "fetch=set12,", "fetch is a name or a list of names or null, and it is 'set12,'"),
        (Datasets, "overlap=a,b,c", "overlap is a training set and a test set"),
        (Apply, "sigma=x", "sigma is a number of levels of 255, or auto, and it is 'x'"),
        (Apply, "sigma=-1", "sigma must be at least 0, and it is -1"),
        (Apply, "scale=2.5", "scale is a whole number or null, and it is 2.5"),
        (Apply, "memory=inf", "memory is a finite number, and it is inf"),
        (Apply, "trust=", "trust is true, false, or a package or a list of packages, and it is ''"),
    ],
)
def test_what_a_schemas_annotations_do_not_allow_is_refused(schema, word, sentence):
    with pytest.raises(RequestError) as refusal:
        read("usage", schema, [word])
    assert str(refusal.value).startswith(sentence)
