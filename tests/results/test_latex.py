import re

from restore.results.latex import escape, longtable


def test_text_is_set_as_it_is_read():
    assert escape("a_b & 5 % {x} #1 $") == r"a\_b \& 5 \% \{x\} \#1 \$"
    assert escape("29.20 ± 0.10, -0.3, +noise=ours") == r"29.20 $\pm$ 0.10, $-$0.3, +noise=ours"
    assert escape("DnCNN-3") == "DnCNN-3", "a hyphen is no minus"


def test_a_long_table_has_a_cell_for_each_column_and_balanced_braces():
    text = longtable(("method", "set_12"), [["RED30", "–"], ["a\\b", "1 & 2"]], "Caption 50 %", "red_1")
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and "&" in line]
    assert [len(re.split(r"(?<!\\)&", row)) for row in rows] == [2, 2, 2, 2]
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert text.count(r"\begin{longtable}{ll}") == text.count(r"\end{longtable}") == 1
    assert "textbf" not in text
    assert not re.search(r"[^\x00-\x7f]", text)
