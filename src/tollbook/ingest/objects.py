"""Object stores: the objects below an address, and an object as a file that is fetched range by range."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from tollbook.errors import SourceError, SourceGoneError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig, S3Config

_SCHEMES = ("s3", "gs")
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+-]*)://([^/]*)/?(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9._-]+")
_FIRST_FETCH, _LARGEST_FETCH = 64 << 10, 8 << 20
_RETRIES: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
_MISSING = "Object stores need more than tollbook brings along: pip install 'tollbook[s3]'."
_REASONS = {
    "NoSuchBucket": "there is no such bucket",
    "NoSuchKey": "there is no such object any more",
    "AccessDenied": "access is denied",
    "InvalidAccessKeyId": "the credentials are not known there",
    "SignatureDoesNotMatch": "the credentials are wrong",
    "ExpiredToken": "the credentials have expired",
    "PreconditionFailed": "it was replaced while it was read",
    "PermanentRedirect": "the bucket is in another region; set AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set AWS_REGION",
    "config profile": "AWS_PROFILE names no profile",
    "SSO": "the single sign-on has expired; run: aws sso login",
    "error sending request": "its server cannot be reached",
    "invalid path": "there is a key with an empty part (//), which cannot be read",
}


@dataclass(frozen=True)
class Address:
    """Where something is in an object store; keys are taken as they are, nothing in them is an escape."""

    scheme: str
    bucket: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    def folder(self, has_magic: Callable[[str], bool]) -> "Address":
        """Return the folder that everything a glob can match is in."""
        parts = self.key.split("/")
        plain = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
        return Address(self.scheme, self.bucket, "/".join(parts[:plain]))


@dataclass(frozen=True)
class Item:
    """An object: its address, its key, its bytes, and what differs when its content does."""

    address: str
    key: str
    size: int
    version: object


def is_address(text: str) -> bool:
    """Tell whether a source is the address of an object store, such as `s3://bucket/key`, and no path."""
    return _ADDRESS.fullmatch(text) is not None


def parse(text: str) -> Address:
    """Return an address in its parts.

    Raises:
        SourceError: It is of an unknown kind, or names no bucket.
    """
    match = _ADDRESS.fullmatch(text)
    scheme, bucket, key = match.groups() if match else ("", "", "")
    if scheme.lower() not in _SCHEMES:
        kinds = " and ".join(f"{known}://" for known in _SCHEMES)
        raise SourceError(f"tollbook reads no {scheme}:// addresses, only files, {kinds}.")
    if not _BUCKET.fullmatch(bucket):  # what stands there may be a secret
        raise SourceError(f"An address is {scheme}://BUCKET/KEY; credentials come from the environment, never from it.")
    return Address(scheme.lower(), bucket, key)


def find(address: Address) -> Item | None:
    """Return the object at an address, None if there is none.

    Raises:
        SourceError: Nobody can tell: it is denied, or the store cannot be reached.
    """
    if not address.key or address.key.endswith("/"):
        return None
    obstore, store = _library(), _store(address)
    with _told(address):
        try:
            return _item(address, obstore.head(store, address.key))
        except FileNotFoundError:
            return None


def below(address: Address) -> Iterator[Item]:
    """Yield the objects below an address, sorted by key; what is hidden (`.name`) is passed by.

    Raises:
        SourceError: They cannot be listed.
    """
    obstore, store = _library(), _store(address)
    prefix = address.key.strip("/")
    with _told(address):
        found = [meta for chunk in obstore.list(store, prefix=prefix or None) for meta in chunk]
    for meta in sorted(found, key=lambda meta: str(meta["path"])):
        within = meta["path"].removeprefix(prefix).strip("/")
        if within and not any(part.startswith(".") for part in within.split("/")):
            yield _item(address, meta)


def open_object(text: str) -> tuple[io.BufferedReader, int]:
    """Open an object for reading and seeking; return it and its size.

    Raises:
        SourceError: It cannot be opened.
    """
    address = parse(text)
    item = find(address)
    if item is None:
        raise SourceGoneError(f"There is no object {address}.")
    return io.BufferedReader(_Ranges(address, item), buffer_size=_FIRST_FETCH), item.size


class _Ranges(io.RawIOBase):
    """An object as a file. Only what is read is fetched: first a little, then ever more at once."""

    def __init__(self, address: Address, item: Item) -> None:
        self._address = address
        self._item = item
        self._position = 0
        self._chunk, self._chunk_from = memoryview(b""), 0
        self._fetch = _FIRST_FETCH

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._item.size}[whence]
        if start + offset != self._position:
            self._fetch = _FIRST_FETCH
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        within = self._position - self._chunk_from
        if not 0 <= within < len(self._chunk):
            self._chunk, self._chunk_from, within = self._fetched(len(buffer)), self._position, 0
        data = self._chunk[within : within + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetched(self, wanted: int) -> memoryview:
        end = min(self._item.size, self._position + max(self._fetch, wanted))
        if end <= self._position:
            return memoryview(b"")
        self._fetch = min(self._fetch * 4, _LARGEST_FETCH)
        obstore, store = _library(), _store(self._address)
        options = {"range": (self._position, end), "if_match": self._item.version}
        try:
            return memoryview(obstore.get(store, self._address.key, options=options).bytes())
        except Exception as error:
            raise OSError(0, _reason(error)) from error


def _item(address: Address, meta: Any) -> Item:
    key = str(meta["path"])
    version = meta["e_tag"] or f"{meta['last_modified']} {meta['size']}"
    return Item(str(Address(address.scheme, address.bucket, key)), key, int(meta["size"]), version)


def _library() -> Any:
    try:
        import obstore  # noqa: PLC0415 - optional
    except ImportError as error:
        raise SourceError(_MISSING) from error
    return obstore


def _store(address: Address) -> "ObjectStore":
    _library()
    with _told(address):
        return _opened(address.scheme, address.bucket)


@cache
def _opened(scheme: str, bucket: str) -> "ObjectStore":
    """Return a client of a bucket; S3's credentials and region are found where every AWS tool finds them."""
    import os  # noqa: PLC0415

    from obstore.store import GCSStore, S3Store  # noqa: PLC0415 - optional

    if scheme != "s3":
        return GCSStore(bucket, retry_config=_RETRIES)
    from boto3.session import Session  # noqa: PLC0415 - optional
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415

    session = Session()
    if session.get_credentials() is None:
        raise SourceError(
            f"There are no credentials for s3://{bucket}. Give them as to every AWS tool: "
            "AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role."
        )
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config: S3Config = {"endpoint": endpoint} if endpoint else {}
    return S3Store(
        bucket,
        credential_provider=Boto3CredentialProvider(session),
        client_options={"allow_http": bool(endpoint and endpoint.startswith("http://"))},
        retry_config=_RETRIES,
        config=config,
    )


@contextmanager
def _told(address: Address) -> Iterator[None]:
    """Turn what goes wrong into one sentence, which quotes nothing but the address and the reason."""
    try:
        yield
    except (SourceError, FileNotFoundError):
        raise
    except ImportError as error:
        raise SourceError(_MISSING) from error
    except Exception as error:
        raise SourceError(f"{address} cannot be read: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    """Say why a request failed, in words of ours: those of a server can hold anything, keys of accounts too."""
    from obstore import exceptions  # noqa: PLC0415 - optional

    text = str(error)
    if code := re.search(r"<Code>(\w+)</Code>", text):
        return _REASONS.get(code[1], f"the store says {code[1]}")
    if isinstance(error, exceptions.PreconditionError):
        return _REASONS["PreconditionFailed"]
    if isinstance(error, FileNotFoundError):
        return _REASONS["NoSuchKey"]
    if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError)):
        return _REASONS["AccessDenied"]
    if status := re.search(r"status code: (\d{3})", text):
        return f"the store answers with {status[1]}"
    return next((reason for phrase, reason in _REASONS.items() if phrase in text), f"{type(error).__name__}")
