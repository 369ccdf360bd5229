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


def test_a_misspelt_setting_names_the_nearest():
    with pytest.raises(UserError, match=r"'inner\.ratte'.*Did you mean 'inner\.rate'"):
        gather(Outer, sets=["inner.ratte=1"])


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["size"], "key.path=value"),
        (["size=many"], "size = 'many'"),
        (["size=1.5"], "size = 1.5"),
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
