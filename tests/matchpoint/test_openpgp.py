"""Encrypted extracts: taken when all is right, and refused, each for its own reason, when anything is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest
from helpers import csv_text, make_profile, open_house, person, zip_of
from pydantic import ValidationError

from matchpoint.errors import DecryptionKeyError, ExtractError
from matchpoint.fetch import keep
from matchpoint.openpgp import Keys, decrypted, plain_name
from matchpoint.openpgp.head import is_encrypted
from matchpoint.sides import fits

NOW = datetime(2026, 12, 1, tzinfo=UTC)
YEAR = 365 * 24 * 3600
SECRET = "Zwillingsdorf"
TEXT = csv_text([person(1, LAST=SECRET), person(2)]).encode()


def make(who: str, **how: int) -> pysequoia.Tsk:
    return pysequoia.Tsk.generate(who, **how)  # type: ignore[arg-type]


LIBRARY, SIS, STRANGER = make("Library"), make("SIS"), make("Stranger")
KEYS = Keys(str(LIBRARY), signed_by=str(SIS.extract_certificate()))


def sealed(
    content: bytes = TEXT,
    to: pysequoia.Tsk = LIBRARY,
    by: pysequoia.Tsk | None = SIS,
    *,
    armor: bool = False,
) -> bytes:
    signer = by.signer() if by else None
    return pysequoia.encrypt(content, recipients=[to.extract_certificate()], signer=signer, armor=armor)


@dataclass
class Post:
    """A place where a message arrives, and is opened."""

    folder: Path

    def open(self, message: bytes, keys: Keys = KEYS, *, unsigned: bool = False, now: datetime = NOW) -> bytes:
        copy = self.folder / "copy"
        copy.write_bytes(message)
        with decrypted(copy, "people.csv.gpg", keys, unsigned=unsigned, now=now) as plain:
            return plain.read_bytes()

    def refusal(self, message: bytes, keys: Keys = KEYS, *, unsigned: bool = False, now: datetime = NOW) -> str:
        with pytest.raises(ExtractError) as caught:
            self.open(message, keys, unsigned=unsigned, now=now)
        said = str(caught.value)
        assert said.startswith("people.csv.gpg: found ")
        assert "expected " in said
        assert SECRET not in said
        return said


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


@pytest.mark.parametrize("armor", [False, True])
def test_a_message_for_us_by_the_sis_is_opened(post: Post, armor: bool) -> None:
    assert post.open(sealed(armor=armor)) == TEXT


def test_a_message_of_some_megabytes_is_opened(post: Post) -> None:
    content = os.urandom(30 << 20)
    assert post.open(sealed(content)) == content


def test_one_of_several_signers_is_enough(post: Post) -> None:
    both = f"{STRANGER.extract_certificate()}\n{SIS.extract_certificate()}"
    assert post.open(sealed(), replace(KEYS, signed_by=both)) == TEXT


def test_nothing_is_left_of_what_was_in_it(post: Post) -> None:
    post.open(sealed())
    assert [path.name for path in post.folder.iterdir()] == ["copy"]


TAMPERED = sealed()[:-20] + bytes(20)
REFUSED = {
    "changed in the last bytes": (TAMPERED, "damaged, cut off or was changed"),
    "cut off": (sealed(os.urandom(100_000))[:50_000], "damaged, cut off or was changed"),
    "for another key": (sealed(to=STRANGER), "a message for another key"),
    "for a password": (pysequoia.encrypt(TEXT, passwords=["x"]), "a message for another key"),
    "signed by nobody": (sealed(by=None), "a message that nobody signed"),
    "signed by a stranger": (sealed(by=STRANGER), "a signature by somebody unknown"),
    "plain": (TEXT, "a file that is not encrypted"),
    "plain zip": (zip_of({"people.csv": TEXT}), "a file that is not encrypted"),
    "only signed": (pysequoia.sign(SIS.signer(), TEXT), "a file that is not encrypted"),
    "only signed, binary": (pysequoia.sign(SIS.signer(), TEXT, armor=False), "a file that is not encrypted"),
    "signed in the clear": (
        pysequoia.sign(SIS.signer(), TEXT, mode=pysequoia.SignatureMode.CLEAR),
        "a file that is not encrypted",
    ),
    "a key instead of a message": (str(SIS.extract_certificate()).encode(), "a file that is not encrypted"),
    "armour around nothing": (b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n", "not encrypted"),
    "armour around noise": (b"-----BEGIN PGP MESSAGE-----\n\nhQ%%%\n", "not encrypted"),
    "a beginning only": (b"\xc1", "damaged"),
}


@pytest.mark.parametrize(("message", "told"), REFUSED.values(), ids=REFUSED)
def test_any_other_is_refused_for_its_own_reason(post: Post, message: bytes, told: str) -> None:
    assert told in post.refusal(message)


def test_an_armoured_message_with_a_changed_letter_is_refused(post: Post) -> None:
    lines = sealed(armor=True).splitlines()
    place = len(lines) // 2
    swapped = b"B" if lines[place][10:11] != b"B" else b"C"
    lines[place] = lines[place][:10] + swapped + lines[place][11:]
    assert "changed on its way" in post.refusal(b"\n".join(lines))


def test_where_signatures_are_optional_only_a_missing_one_passes(post: Post) -> None:
    assert post.open(sealed(by=None), unsigned=True) == TEXT
    assert post.open(sealed(), unsigned=True) == TEXT
    assert "somebody unknown" in post.refusal(sealed(by=STRANGER), unsigned=True)
    assert "changed on its way" in post.refusal(sealed(by=None)[:-20] + bytes(20), unsigned=True)


def test_a_signer_whose_key_expired_is_refused(post: Post) -> None:
    short = make("Short", validity_seconds=YEAR)
    keys = replace(KEYS, signed_by=str(short.extract_certificate()))
    assert post.open(sealed(by=short), keys) == TEXT
    told = post.refusal(sealed(by=short), keys, now=NOW.replace(year=2099))
    assert "a key that expired on " in told


def test_our_own_key_that_expired_is_told_apart_from_the_file(post: Post) -> None:
    short = make("Short", validity_seconds=YEAR)
    keys = replace(KEYS, private_key=str(short))
    assert post.open(sealed(to=short), keys) == TEXT
    with pytest.raises(DecryptionKeyError, match="a private key that expired on"):
        post.open(sealed(to=short), keys, now=NOW.replace(year=2099))


BAD_KEYS = {
    "no key": (replace(KEYS, private_key="nothing"), "a private key that cannot be read"),
    "a certificate only": (
        replace(KEYS, private_key=str(LIBRARY.extract_certificate())),
        "a private key that cannot",
    ),
    "no certificates": (replace(KEYS, signed_by="nobody"), "certificates of signers that cannot be read"),
}


@pytest.mark.parametrize(("keys", "told"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_keys_that_cannot_be_used_are_told_apart_from_the_file(post: Post, keys: Keys, told: str) -> None:
    with pytest.raises(DecryptionKeyError) as caught:
        post.open(sealed(), keys)
    assert told in str(caught.value)


def test_a_passphrase_that_is_not_needed_does_no_harm(post: Post) -> None:
    assert post.open(sealed(), replace(KEYS, passphrase="not needed")) == TEXT


def test_keys_are_not_shown() -> None:
    assert "PRIVATE" not in repr(replace(KEYS, passphrase="hush"))
    assert "hush" not in repr(replace(KEYS, passphrase="hush"))


# --- what gpg makes -----------------------------------------------------------------------------------


@dataclass
class Gpg:
    """GnuPG with a home of its own."""

    home: Path

    def __post_init__(self) -> None:
        self.home.mkdir(mode=0o700, exist_ok=True)

    def run(self, *arguments: str, give: bytes = b"", at: str | None = None) -> bytes:
        time = ["--faked-system-time", at, "--ignore-time-conflict", "--ignore-valid-from"] if at else []
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--trust-model", "always", *time]
        done = subprocess.run([*command, *arguments], input=give, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def take(self, key: str) -> None:
        self.run("--import", give=key.encode())

    def make(self, who: str, expires: str = "never", passphrase: str = "", at: str | None = None, *more: str) -> str:
        how = ["--pinentry-mode", "loopback", "--passphrase", passphrase, *more]
        self.run(*how, "--quick-generate-key", who, "future-default", "default", expires, at=at)
        return self.run("--armor", "--export", who).decode()

    def private(self, who: str, passphrase: str = "") -> str:
        how = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        return self.run(*how, "--armor", "--export-secret-keys", who).decode()

    def seal(self, content: bytes, by: str, *more: str, at: str | None = None) -> bytes:
        to = LIBRARY.extract_certificate().fingerprint
        how = ["--compress-algo", "none", *more]
        return self.run("--encrypt", "--sign", "-u", by, "--recipient", to, *how, give=content, at=at)


@pytest.fixture
def gpg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gpg]:
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed; get it with: apt-get install gnupg")
    one = Gpg(Path(tmp_path_factory.mktemp("g")))
    one.take(str(LIBRARY.extract_certificate()))
    yield one
    subprocess.run(["gpgconf", "--homedir", str(one.home), "--kill", "all"], check=False)


def test_what_gpg_encrypts_and_signs_is_opened_when_it_is_not_compressed(post: Post, gpg: Gpg) -> None:
    keys = replace(KEYS, signed_by=gpg.make("sis@example.edu"))
    for more in ((), ("--armor",)):
        assert post.open(gpg.seal(TEXT, "sis@example.edu", "--compress-algo", "none", *more), keys) == TEXT
    for compressed in ("zip", "zlib"):
        told = post.refusal(gpg.seal(TEXT, "sis@example.edu", "--compress-algo", compressed), keys)
        assert "a signed message that is compressed" in told
        assert "--compress-algo none" in told


def test_a_key_that_prefers_uncompressed_needs_nothing_of_the_sender(post: Post, gpg: Gpg) -> None:
    prefers = ["--default-preference-list", "AES256 AES192 AES SHA512 SHA256 Uncompressed"]
    public = gpg.make("us@example.edu", "never", "pw", None, *prefers)
    sis = gpg.make("sis@example.edu")
    assert "PUBLIC KEY" in public
    message = gpg.run("--encrypt", "--sign", "-u", "sis@example.edu", "--recipient", "us@example.edu", give=TEXT)
    assert post.open(message, Keys(gpg.private("us@example.edu", "pw"), "pw", sis)) == TEXT


def test_what_nobody_signed_may_be_compressed(post: Post, gpg: Gpg) -> None:
    message = gpg.run("--encrypt", "--recipient", LIBRARY.extract_certificate().fingerprint, give=TEXT)
    assert post.open(message, unsigned=True) == TEXT
    assert "a message that nobody signed" in post.refusal(message)


def test_an_expired_signature_and_an_expired_signer_are_refused(post: Post, gpg: Gpg) -> None:
    certificate = gpg.make("sis@example.edu", at="20240101T000000")
    keys = replace(KEYS, signed_by=certificate)
    message = gpg.seal(TEXT, "sis@example.edu", "--default-sig-expire", "10", at="20250101T000000")
    assert "a signature that is not valid: it expired" in post.refusal(message, keys)
    old = gpg.make("old@example.edu", expires="1y", at="20240101T000000")
    message = gpg.seal(TEXT, "old@example.edu", at="20240601T000000")
    assert "a key that expired on 2024-12-3" in post.refusal(message, replace(KEYS, signed_by=old))


def test_a_private_key_with_a_passphrase_is_opened_by_it_only(post: Post, gpg: Gpg) -> None:
    gpg.make("us@example.edu", passphrase="open sesame")
    keys = Keys(gpg.private("us@example.edu", "open sesame"), "open sesame", KEYS.signed_by)
    to = gpg.run("--armor", "--export", "us@example.edu")
    message = pysequoia.encrypt(TEXT, recipients=[pysequoia.Cert.from_bytes(to)], signer=SIS.signer())
    assert post.open(message, keys) == TEXT
    for wrong in (None, "open barley"):
        with pytest.raises(DecryptionKeyError, match="its passphrase does not open"):
            post.open(message, replace(keys, passphrase=wrong))


def test_a_bomb_in_a_message_is_stopped_before_it_fills_the_disk(post: Post, gpg: Gpg) -> None:
    to = LIBRARY.extract_certificate().fingerprint
    message = gpg.run("--encrypt", "--recipient", to, "-z", "9", give=bytes(300 << 20))
    assert len(message) < 500_000
    assert "grows more than 200 times" in post.refusal(message, unsigned=True)


# --- in a run -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("people.csv.pgp", "people.csv"),
        ("people.csv.GPG", "people.csv"),
        ("people.csv.asc", "people.csv"),
        ("people.csv", "people.csv"),
        (".gpg", ".gpg"),
    ],
)
def test_the_ending_of_encryption_goes(sent: str, name: str) -> None:
    assert plain_name(sent) == name


def test_a_mended_side_file_is_known_encrypted_too() -> None:
    assert fits("cards_*.csv.gpg", "cards_1.rejected.csv.gpg")


def test_an_encrypted_zip_becomes_extracts_with_plain_names(tmp_path: Path, post: Post) -> None:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as house:
        folder, copy = house.folder("run"), tmp_path / "sent"
        copy.write_bytes(sealed(zip_of({"people.csv": csv_text([person(1), person(2, LAST="")])})))
        with decrypted(copy, "people.zip.gpg", KEYS, unsigned=False, now=NOW) as plain:
            extracts = keep(folder, copy, "/in/people.zip.gpg", 1, 0, profile=house.profile, plain=plain)
        assert [one.label for one in extracts] == ["people.zip > people.csv"]
        assert (extracts[0].remote, extracts[0].file_size) == ("/in/people.zip.gpg", copy.stat().st_size)
        assert extracts[0].file_sha256 != extracts[0].sha256


def test_an_encrypted_empty_file_is_told_as_one(tmp_path: Path) -> None:
    copy = tmp_path / "sent"
    copy.write_bytes(sealed(b""))
    with (
        open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as house,
        decrypted(copy, "people.csv.gpg", KEYS, unsigned=False, now=NOW) as plain,
        pytest.raises(ExtractError, match=r"people.csv: found an empty file \(0 bytes\)"),
    ):
        keep(house.folder("run"), copy, "/in/people.csv.gpg", 1, 0, profile=house.profile, plain=plain)


def test_a_marker_in_front_is_passed_over() -> None:
    assert is_encrypted(b"\xca\x03PGP" + sealed())
    assert not is_encrypted(b"\xca\x03PGP")


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({}, "neither connection nor key_file"),
        ({"key_file": "/x"}, "found no signed_by"),
        ({"connection": "x", "signatures": "none"}, "signatures"),
        ({"connection": "x", "cipher": "none"}, "cipher"),
    ],
)
def test_a_section_that_says_too_little_or_too_much_is_refused(section: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        make_profile(decrypt=section)
