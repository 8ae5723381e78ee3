"""The key of a cache: made once, never anew beside a cache, and trusted only if private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from carequeue.domain.errors import CacheError
from carequeue.store.encryption_keys import KEY_BYTES, read_key, read_or_make_key
from carequeue.store.private_files import create_private
from carequeue.store.profiles import ProfilePaths, profile_paths


@pytest.fixture
def where(tmp_path: Path) -> ProfilePaths:
    return profile_paths("north", tmp_path)


def refusal(where: ProfilePaths, may_create: bool = True) -> str:
    before = where.key.read_bytes() if where.key.is_file() else None
    with pytest.raises(CacheError) as caught:
        read_or_make_key(where, may_create)
    assert (where.key.read_bytes() if where.key.is_file() else None) == before
    return str(caught.value)


def test_the_first_start_makes_a_key_that_stays(where: ProfilePaths) -> None:
    key = read_or_make_key(where, may_create=True)
    assert len(key) == KEY_BYTES
    assert read_or_make_key(where, may_create=True) == key
    assert read_or_make_key(where, may_create=False) == key
    assert read_key(where) == key


def test_the_key_and_its_folder_are_for_their_owner_alone(where: ProfilePaths) -> None:
    read_or_make_key(where, may_create=True)
    assert stat.S_IMODE(where.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(where.folder.stat().st_mode) == 0o700
    assert [file.name for file in where.folder.iterdir()] == [where.key.name]


def test_two_profiles_have_two_keys(tmp_path: Path) -> None:
    assert read_or_make_key(profile_paths("a", tmp_path), True) != read_or_make_key(
        profile_paths("b", tmp_path), True
    )


def test_no_key_is_made_beside_a_cache(where: ProfilePaths) -> None:
    read_or_make_key(where, may_create=True)
    where.key.unlink()
    where.cache.write_bytes(b"unsent work")
    sentence = refusal(where)
    assert "work that is not sent yet would be lost, so none was made" in sentence
    assert str(where.key) in sentence
    assert "backup" in sentence
    assert not where.key.exists()


def test_without_leave_no_key_is_made(where: ProfilePaths) -> None:
    assert "carequeue connect URL" in refusal(where, may_create=False)
    assert not where.folder.exists()


@pytest.mark.parametrize("damage", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64])
def test_a_damaged_key_is_never_replaced(where: ProfilePaths, damage: bytes) -> None:
    read_or_make_key(where, may_create=True)
    where.key.write_bytes(damage)
    sentence = refusal(where)
    assert "is damaged: it must hold 64 hexadecimal digits" in sentence
    assert "no new key was made" in sentence


def test_a_key_that_others_can_read_is_refused_with_the_remedy(where: ProfilePaths) -> None:
    read_or_make_key(where, may_create=True)
    where.key.chmod(0o640)
    assert f"chmod 600 '{where.key}'" in refusal(where)


def test_a_link_is_refused_also_one_that_leads_nowhere(where: ProfilePaths, tmp_path: Path) -> None:
    where.folder.mkdir(parents=True, mode=0o700)
    where.key.symlink_to(tmp_path / "planted")
    assert "is a symbolic link" in refusal(where)
    assert not (tmp_path / "planted").exists()
    (tmp_path / "planted").write_text("00" * KEY_BYTES)
    assert "is a symbolic link" in refusal(where)


def test_a_foreign_key_is_refused(where: ProfilePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    read_or_make_key(where, may_create=True)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert "belongs to another user" in refusal(where)


def test_a_folder_that_others_can_enter_gets_no_key(where: ProfilePaths) -> None:
    where.folder.mkdir(parents=True)
    where.folder.chmod(0o755)
    assert "chmod 700" in refusal(where)


def test_a_link_in_the_place_of_the_folder_gets_no_key(where: ProfilePaths, tmp_path: Path) -> None:
    (tmp_path / "planted").mkdir(mode=0o700)
    where.folder.parent.mkdir()
    where.folder.symlink_to(tmp_path / "planted")
    assert "is a symbolic link" in refusal(where)
    assert list((tmp_path / "planted").iterdir()) == []


def test_of_two_that_start_at_once_one_key_wins(where: ProfilePaths) -> None:
    key = read_or_make_key(where, may_create=True)
    assert not create_private(where.key, b"11" * KEY_BYTES, CacheError)
    assert read_key(where) == key


def test_a_full_disk_leaves_no_half_key(
    where: ProfilePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space left on device. Nothing was changed." in refusal(where)
    assert list(where.folder.iterdir()) == []
