"""Everything that people are told about access exists in both languages, and says the same things in both."""

import re
from string import Formatter

import pytest

from catalog_sync.languages import Language, Sentence, language_of, spoken_here
from policies.views import Reason
from policies.wording import TEXTS, say


def named(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("key", TEXTS)
def test_every_sentence_is_in_both_languages_and_names_the_same_things_in_both(key: str) -> None:
    text = TEXTS[key]
    assert text.english.strip()
    assert re.search(r"[\u4e00-\u9fff\uff00-\uff65]", text.chinese), "no Chinese in it, nor its punctuation"
    assert not re.search(r"[\u4e00-\u9fff]", text.english)
    assert named(text.english) == named(text.chinese)


def test_every_reason_of_a_refusal_has_its_sentence() -> None:
    assert set(Reason) <= set(TEXTS)


def test_what_is_put_in_is_put_in_in_its_own_language_and_lists_as_that_language_lists() -> None:
    said = say(
        "refused", items=["a", say("item", alias="b", name="乙")], resource="30700503/1", why=TEXTS["NOT_SHARED"]
    )
    assert said == Sentence(
        "Not permitted: a, b (乙) of 30700503/1. The item is not shared with other departments.",
        "未获准：30700503/1的 a、b（乙）。该信息项不予共享。",
    )


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("fr, de;q=0.5", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("ZH-Hans-CN", "zh"),
        ("zh-TW", "zh"),
        ("en;q=0.4, zh;q=0.6", "zh"),
        ("en, zh", "en"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0", "en"),
        ("zh;q=2", "en"),
        ("zh;q=nan", "en"),
        ("zh;q=high", "en"),
        ("zh;v=1", "en"),
        (" zh ; q=0.3 ", "zh"),
        ("zha", "en"),
    ],
)
def test_accept_language_chooses_by_weight_and_then_by_order(accepted: str | None, language: str) -> None:
    assert language_of(accepted) == Language(language)


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
    ],
)
def test_a_command_speaks_the_language_of_its_locale(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert spoken_here() == Language(language)
