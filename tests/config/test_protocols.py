"""Protocols as configuration: the papers' files, switches that are turned, and files of a person's own."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from restore.config.build import build_protocols
from restore.config.compose import compose
from restore.config.loading import configuration, members
from restore.config.overrides import normalise_overrides
from restore.config.protocols import SWITCHES
from restore.errors import RequestError
from restore.evaluation.protocol import Protocol

# What each file must say: the switches that differ from the base
PAPERS = {
    "red": Protocol("red", ensemble=True),
    "dncnn": Protocol(
        "dncnn",
        noise="matlab_v4",
        quantise_restored=True,
        families={
            "sr": {
                "luma_last": True,
                "quantise_low": True,
                "resampler": "matlab_uint8",
                "quantise_restored": False,
                "border": -1,
            }
        },
    ),
    "srcnn": Protocol("srcnn", quantise_restored=True, families={"sr": {"luma": "y", "border": -1}}),
    "vdsr": Protocol(
        "vdsr", quantise_restored=True, families={"sr": {"luma": "y", "limit_degraded": True, "border": -1}}
    ),
    "gopro_study": Protocol("gopro_study", resize=256, quantise_restored=True),
    "gopro_study_128": Protocol("gopro_study_128", resize=128, quantise_restored=True),
}


def protocols(*words: str) -> list[Protocol]:
    return build_protocols(compose("evaluate", words))


def names(*words: str) -> list[str]:
    return [protocol.name for protocol in protocols(*words)]


@pytest.mark.parametrize("name", members("protocol"))
def test_each_file_states_what_it_stands_for(name):
    assert protocols(f"protocol={name}") == [PAPERS[name]]
    header = (configuration() / "protocol" / f"{name}.yaml").read_text()
    assert header.startswith(f"# @package protocols.{name}\n")
    assert all(part in header for part in ("Defined", "Open", "Verified"))


def test_the_base_states_every_switch_at_its_default_with_a_comment():
    file = configuration() / "protocol" / "_base.yaml"
    base = OmegaConf.to_container(OmegaConf.load(file))
    plain = Protocol("plain")
    assert {key: base[key] for key in SWITCHES} == {key: getattr(plain, key) for key in SWITCHES}
    assert set(base) == {*SWITCHES, "_target_", "families"}
    lines = [line for line in file.read_text().splitlines() if line and line[0] not in "#_"]
    assert all(" # " in line for line in lines)


def test_several_in_their_order():
    assert names("protocol=[red,dncnn]") == ["red", "dncnn"]
    assert names("protocol=[dncnn,red]") == ["dncnn", "red"]


def test_a_typed_switch_holds_for_every_family_beside_the_plain_one():
    plain, turned = protocols("protocols.dncnn.border=0")
    assert plain == PAPERS["dncnn"]
    assert turned.name == "dncnn+border=0"
    assert (plain.of("sr").border, turned.of("sr").border, turned.of("noise").border) == (-1, 0, 0)
    assert turned.of("sr").luma_last, "what was not typed stays the family's"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["protocols.dncnn.families.sr.border=0"], "dncnn+sr.border=0"),
        (["protocols.dncnn.border=4", "protocols.dncnn.families.sr.border=-1"], "dncnn+border=4,sr.border=-1"),
        (["protocols.dncnn.families.sr.border=2", "protocols.dncnn.border=4"], "dncnn+border=4,sr.border=2"),
        (["protocols.dncnn.ensemble=true", "protocols.dncnn.border=0"], "dncnn+ensemble=true,border=0"),
        (["protocols.dncnn.border=0", "protocols.dncnn.ensemble=true"], "dncnn+border=0,ensemble=true"),
        (["protocols.dncnn={border: 3, luma: y}"], "dncnn+border=3,luma=y"),
        (["protocols.dncnn.quantise_restored=true"], "dncnn+quantise_restored=true"),
        (["protocols.dncnn.noise=ours"], "dncnn+noise=ours"),
        (["protocols.dncnn.resampler=matlab"], "dncnn+resampler=matlab"),
        (["++protocols.dncnn.border=0"], "dncnn+border=0"),
        (["+protocols.dncnn.families.noise.border=2"], "dncnn+noise.border=2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_name_says_what_differs(words, name):
    assert names(*words) == ["dncnn", name]


def test_the_family_named_is_the_one_that_changes():
    _, turned = protocols("protocols.dncnn.families.sr.border=0")
    assert turned.of("sr").border == 0
    _, turned = protocols("protocols.dncnn.border=4", "protocols.dncnn.families.sr.border=-1")
    assert (turned.of("sr").border, turned.of("noise").border) == (-1, 4)


def test_a_switch_at_the_value_it_has_turns_nothing():
    assert names("protocols.red.border=0", "protocol=red") == ["red"]


def test_what_is_scored_stands_in_the_configuration():
    config = compose("evaluate", ["protocol=[red,dncnn]", "protocols.dncnn.border=0"])
    assert list(config.protocols) == ["red", "dncnn", "dncnn+border=0"]
    assert config.protocols["dncnn+border=0"].families.sr.get("border") is None
    again = OmegaConf.create(OmegaConf.to_yaml(config, resolve=True))
    assert build_protocols(again) == build_protocols(config)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("protocol=dncn", "unknown protocol 'dncn': did you mean 'dncnn'"),
        ("protocol=[]", "protocol names none; there are dncnn, gopro_study, gopro_study_128, red"),
        ("protocols.dncnn.bordr=0", "unknown key 'protocols.dncnn.bordr': did you mean 'protocols.dncnn.border'"),
        ("protocols.red.border=0", "unknown key 'protocols.red.border': did you mean 'protocols.dncnn.border'"),
        ("protocol.border=0", "unknown key 'protocol.border': did you mean 'protocols.dncnn.border'"),
        ("protocols.dncnn.border=yes", "protocols.dncnn.border is a whole number, and it is 'yes'"),
        ("protocols.dncnn.border=true", "protocols.dncnn.border is a whole number, and it is True"),
        ("protocols.dncnn.border=-2", "protocols.dncnn.border must be at least -1, and it is -2"),
        ("protocols.dncnn.ensemble=1", "protocols.dncnn.ensemble is true or false, and it is 1"),
        ("protocols.dncnn.ssim=ssim_reflekt", "did you mean 'ssim_reflect'"),
        ("protocols.dncnn.noise=matlab", "unknown protocols.dncnn.noise 'matlab': did you mean 'matlab_v4'"),
        ("protocols.dncnn.resampler=uint8", "unknown protocols.dncnn.resampler 'uint8'"),
        ("protocols.dncnn.luma=gry", "unknown protocols.dncnn.luma 'gry': did you mean 'gray'"),
        ("protocols.dncnn.families.sr.border=a", "protocols.dncnn.families.sr.border is a whole number"),
        ("protocols.dncnn.families.srr.border=0", "did you mean 'protocols.dncnn.families.sr.border'"),
        ("+protocols.dncnn.families.noise.bordr=0", "did you mean 'protocols.dncnn.families.noise.border'"),
        ("~protocols.dncnn.border", "protocols.dncnn lacks border"),
        ("+protocols.mine.border=0", "protocols.mine has no file protocol/mine.yaml"),
    ],
)
def test_what_is_none_is_refused_by_one_sentence(word, sentence):
    with pytest.raises(RequestError) as refusal:
        compose("evaluate", [word])
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "words", [["protocols.dncnn.quantise_low=false"], ["protocol=red", "protocols.red.resampler=matlab_uint8"]], ids=str
)
def test_switches_that_contradict_each_other(words):
    with pytest.raises(RequestError, match="it goes with quantise_low=true"):
        protocols(*words)


# -- of a person's own -----------------------------------------------------------------------------


def own_folder(folder: Path, body: str = "border: 4\n", header: str = "# @package protocols.mine\n") -> Path:
    (folder / "protocol").mkdir(parents=True)
    (folder / "protocol" / "mine.yaml").write_text(f"{header}defaults: [_base, _self_]\n{body}")
    return folder


@pytest.mark.parametrize("flag", [("--config-dir", "{}"), ("--config-dir={}",), ("-cd", "{}")])
def test_a_file_of_ones_own(tmp_path, flag):
    folder = own_folder(tmp_path / "my own, conf")
    words = normalise_overrides([*(part.format(folder) for part in flag), "protocol=[dncnn,mine]"])
    assert names(*words) == ["dncnn", "mine"]
    assert protocols(*words)[1].border == 4
    assert names(*words, "protocols.mine.border=1") == ["dncnn", "mine", "mine+border=1"]


def test_it_may_build_on_a_papers(tmp_path):
    folder = own_folder(tmp_path)
    (folder / "protocol" / "mine.yaml").write_text(
        "# @package protocols.mine\ndefaults: [/protocol/dncnn@_here_, _self_]\nluma: y\n"
    )
    _, own = protocols(*normalise_overrides(["--config-dir", str(folder), "protocol=[dncnn,mine]"]))
    assert (own.luma, own.of("sr").border) == ("y", -1)


@pytest.mark.parametrize(
    ("body", "header", "sentence"),
    [
        ("bordr: 4\n", "# @package protocols.mine\n", "unknown key 'protocols.mine.bordr'"),
        ("border: four\n", "# @package protocols.mine\n", "protocols.mine.border is a whole number"),
        ("border: 4\n", "", "a protocol's file begins with '# @package protocols.<its name>'"),
        ("border: 4\n", "# @package protocols.mien\n", "protocols.mien has no file protocol/mien.yaml"),
    ],
)
def test_mistakes_in_it_are_named(tmp_path, body, header, sentence):
    folder = own_folder(tmp_path, body, header)
    with pytest.raises(RequestError, match=sentence.replace(".", r"\.")):
        compose("evaluate", normalise_overrides(["--config-dir", str(folder), "protocol=mine"]))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RequestError, match="--config-dir is a folder"):
        normalise_overrides(["--config-dir", str(tmp_path / "none")])
