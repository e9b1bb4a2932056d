"""`quanyu.toml`: what is understood, and that what is not is refused in one line that helps."""

from pathlib import Path

import pytest

from pipelines.config import ConfigError, Policy, configuration_page, load_settings

ROOT = Path(__file__).resolve().parents[3]


def written(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "quanyu.toml").write_text(text, encoding="utf-8")
    return home


def test_a_home_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)
    assert (settings.default_shop, settings.time_zone, settings.schedule) == ("default", "Asia/Shanghai", "02:30")
    assert settings.landing == tmp_path / "landing"
    assert settings.state == tmp_path / "state"
    assert settings.current == tmp_path / "published" / "current.duckdb"


def test_keys_of_the_file_are_used(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, 'default_shop = "s1"\nschedule = "04:05"\nversions_kept = 3\n'))
    assert (settings.default_shop, settings.schedule, settings.versions_kept) == ("s1", "04:05", 3)


def test_home_comes_from_the_option_then_the_environment_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QUANYU_HOME", raising=False)
    assert load_settings().home == tmp_path / ".quanyu"
    monkeypatch.setenv("QUANYU_HOME", str(tmp_path / "a"))
    assert load_settings().home == tmp_path / "a"
    assert load_settings(tmp_path / "b").home == tmp_path / "b"


def test_landing_comes_from_the_option_then_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANYU_LANDING", str(tmp_path / "drop"))
    assert load_settings(tmp_path).landing == tmp_path / "drop"
    assert load_settings(tmp_path, tmp_path / "other").landing == tmp_path / "other"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('default_shpo = "s1"', "unknown key 'default_shpo'; did you mean 'default_shop'?"),
        ("versions = 3", "did you mean 'versions_kept'?"),
        ('time_zone = "Asia/Shangai"', "did you mean 'Asia/Shanghai'?"),
        ('schedule = "2:30"', "HH:MM"),
        ('schedule = "24:00"', "HH:MM"),
        ('memory_limit = "lots"', "must be a size with its unit"),
        ('memory_limit = "1MB"', "give DuckDB 100MB or more"),
        ("memory_limit = 400", "must be a text, in quotes"),
        ("threads = 0", "must be 1 or more"),
        ("threads = true", "must be a whole number"),
        ('threads = "many"', "must be a whole number"),
        ('default_shop = " "', "must name a shop"),
        ('notify_webhook = "ftp://x"', "http://"),
        ("default_shop = s1", "is not valid TOML"),
        ('[postgres]\naddres = "postgresql://h/d"', "unknown key 'addres'; did you mean 'address'?"),
        ('[postgres]\ninto = "m"', "postgres.address"),
        ('[postgres]\naddress = "postgresql://u:secret@h/d"', "must not hold a password"),
        ('[postgres]\naddress = "h/d"', "must be an address like"),
        ('[postgres]\naddress = "postgresql://h/d"\nreader = "b i"', "must be a name of small letters"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(written(tmp_path, text))
    message = str(error.value)
    assert says in message
    assert str(tmp_path / "quanyu.toml") in message
    assert "\n" not in message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "quanyu.toml").write_bytes('default_shop = "店"'.encode("gb18030"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(tmp_path)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ConfigError, match="choose a writable folder"):
        load_settings(tmp_path / "home").make_home()


def test_a_landing_that_does_not_exist_is_refused_but_the_home_s_own_is_made(tmp_path: Path) -> None:
    load_settings(tmp_path).make_home()
    assert (tmp_path / "landing").is_dir()
    with pytest.raises(ConfigError, match="no such folder"):
        load_settings(tmp_path, tmp_path / "nowhere").make_home()


def test_every_key_is_described_on_the_page() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == configuration_page(), "write it again with: quanyu config --page > docs/configuration.md"
    assert all(f"| `{name}` |" in page and field.description for name, field in Policy.model_fields.items())
