"""Settings: defaults, then a file, then --set, then options; what is wrong is named."""

import pytest

from tacit.base.configuration import Configuration, gather
from tacit.base.errors import UserError, look_up


class Inner(Configuration):
    rate: float = 0.5


class Outer(Configuration):
    name: str = "a"
    size: int = 3
    inner: Inner = Inner()
    other: Inner | None = Inner()
    extra: dict[str, bool | int] = {}


class Needy(Configuration):
    model: str


def test_later_sources_win_and_passed_values_are_listed(tmp_path):
    (tmp_path / "run.toml").write_text('name = "file"\nsize = 4\n')
    found, passed = gather(
        Outer,
        file=tmp_path / "run.toml",
        sets=["size=5", "inner.rate=0.25"],
        options={"name": None},
    )
    assert found == Outer(name="file", size=5, inner=Inner(rate=0.25))
    assert sorted(passed) == ["inner.rate", "name", "size"]


def test_a_base_fills_what_nothing_else_set():
    base = {"size": 9, "inner.rate": 0.1, "other.rate": 0.2}
    found, passed = gather(Outer, base=base, sets=["size=5", "other=none"])
    assert found == Outer(size=5, inner=Inner(rate=0.1), other=None)
    assert sorted(passed) == ["inner.rate", "other", "size"]
    assert base == {"size": 9, "inner.rate": 0.1, "other.rate": 0.2}


def test_a_misspelt_setting_names_the_nearest():
    with pytest.raises(UserError, match=r"'inner\.ratte'.*Did you mean 'inner\.rate'"):
        gather(Outer, sets=["inner.ratte=1"])
    with pytest.raises(UserError, match=r"'other\.ratte'.*Did you mean 'other\.rate'"):
        gather(Outer, sets=["other.ratte=1"])
    with pytest.raises(UserError, match=r"'rate'.*Known: extra, inner\.rate, name"):
        gather(Outer, sets=["rate=1"])


def test_none_is_a_value_in_writing_and_from_python():
    assert gather(Outer, sets=["other=none"])[0].other is None
    assert gather(Outer, given={"other": None, "inner.rate": 1}) == (
        Outer(other=None, inner=Inner(rate=1)),
        ["other", "inner.rate"],
    )


def test_values_given_from_python_are_not_changed():
    given = {"inner": {"rate": 0.1}, "inner.rate": 0.2}
    assert gather(Outer, given=given)[0].inner.rate == 0.2
    assert given["inner"] == {"rate": 0.1}


def test_a_missing_setting_is_asked_for():
    with pytest.raises(UserError, match="setting model was not given"):
        gather(Needy)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["size"], "key.path=value"),
        (["size=many"], "size = 'many'"),
        (["size=1.5"], "size = 1.5"),
        (["other=3"], "other = 3"),
        (["inner=3", "inner.rate=1"], "inner as a whole to 3"),
        (
            ["extra.x=[1]"],
            r"extra.x = \[1\] will not do: .* valid boolean, or .* valid integer",
        ),
    ],
)
def test_a_bad_value_is_one_message(sets, message):
    with pytest.raises(UserError, match=message):
        gather(Outer, sets=sets)


def test_a_file_that_is_not_toml_is_named(tmp_path):
    (tmp_path / "run.toml").write_text("= 3")
    with pytest.raises(UserError, match="is not TOML"):
        gather(Outer, file=tmp_path / "run.toml")
    with pytest.raises(UserError, match="cannot be read"):
        gather(Outer, file=tmp_path / "none.toml")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        UserError, match=r"no method is called 'topk'. Did you mean 'top-k'\?"
    ):
        look_up({"top-k": 1, "pca": 2}, "topk", "method")
