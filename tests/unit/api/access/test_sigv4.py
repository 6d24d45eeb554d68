"""The verifier against botocore's signer: every signed part, mutated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.sigv4 import check_body_hash, read_claim, signing_key
from api.errors import (
    ApiError,
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)
from tests.support.signing import HEADERS, KEY_ID, SECRET, URL, Signed, signed

SIGNED = signed()


def is_proven(given: Signed, secret: str = SECRET) -> bool:
    try:
        claim = read_claim(given.request)
    except ApiError:
        return False
    key = signing_key(secret, claim.day, claim.region, claim.service)
    return claim.is_proven(key, given.body)


@pytest.mark.parametrize(
    "given",
    [
        SIGNED,
        signed(b""),
        signed(b"\x00\xff" * 1_000),
        signed(url="http://sync-localhost:8083/"),
        signed(url="http://[::1]:8083/", headers={**HEADERS, "Host": "[::1]:8083"}),
        signed(url=URL + "metrics", method="GET", body=b""),
        signed(url=URL + "a?b=2&a=1&a=0&c&a-b=%20%2f"),
        signed(url=URL + "a%20b/%C3%A9~-_.x"),
        signed(headers={**HEADERS, "X-Amz-Meta": "  two   spaces and\ttabs "}),
        signed(headers={**HEADERS, "Accept": "*/*", "A": ""}),
    ],
    ids=lambda given: repr(given.request.path + given.request.query)[:40],
)
def test_what_botocore_signs_is_proven(given: Signed) -> None:
    assert is_proven(given)
    assert read_claim(given.request).key_id == KEY_ID


def test_another_secret_does_not_prove_it() -> None:
    assert not is_proven(SIGNED, SECRET + "x")
    assert not is_proven(SIGNED, "")


def test_no_bit_of_the_authorization_can_be_changed() -> None:
    text = SIGNED.header("authorization")

    for place in range(len(text) * 8):
        changed = bytearray(text)
        changed[place // 8] ^= 1 << place % 8
        forged = SIGNED.with_header("authorization", bytes(changed))
        if is_proven(forged):  # the id of the key is what is looked up, and not signed
            assert read_claim(forged.request).key_id != KEY_ID


@pytest.mark.parametrize("cut", [0, 1, 63])
def test_no_part_of_a_signature_will_do(cut: int) -> None:
    text = SIGNED.header("authorization")
    head, signature = text[:-64], text[-64:]

    assert not is_proven(SIGNED.with_header("authorization", head + signature[:cut]))
    assert not is_proven(SIGNED.with_header("authorization", head + signature.upper()))
    assert not is_proven(SIGNED.with_header("authorization", text + b"0"))


def mutations() -> Iterator[tuple[str, Signed]]:
    request = SIGNED.request
    for method in (b"GET", b"PUT", b"post"):
        yield (
            f"method {method!r}",
            replace(SIGNED, request=replace(request, method=method)),
        )
    for path in (b"", b"//", b"/.", b"/a/..", b"/%2F", b"/x", b"/./", b"/\x00"):
        yield f"path {path!r}", replace(SIGNED, request=replace(request, path=path))
    for query in (b"a", b"a=1", b"=", b"&", b"%20"):
        yield f"query {query!r}", replace(SIGNED, request=replace(request, query=query))
    for name, value in request.headers:
        if name not in (b"authorization", b"content-length"):
            text = name.decode()
            yield f"{text} changed", SIGNED.with_header(text, value + b"x")
            yield f"{text} emptied", SIGNED.with_header(text, b"")
            yield f"{text} removed", SIGNED.without_header(text)
            pair = (name, value)
            yield f"{text} twice", SIGNED.with_pairs([*request.headers, pair])
    for place in range(len(SIGNED.body) * 8):
        body = bytearray(SIGNED.body)
        body[place // 8] ^= 1 << place % 8
        yield f"bit {place} of the body", replace(SIGNED, body=bytes(body))
    yield "body longer", replace(SIGNED, body=SIGNED.body + b" ")
    yield "body gone", replace(SIGNED, body=b"")


MUTATIONS = dict(mutations())


@pytest.mark.parametrize("what", MUTATIONS)
def test_no_signed_part_can_be_changed(what: str) -> None:
    assert not is_proven(MUTATIONS[what])


@pytest.mark.parametrize("name", ["x-amz-target", "authorization", "host"])
@pytest.mark.parametrize("is_first", [True, False])
def test_no_header_can_be_smuggled_in_beside_its_twin(
    name: str, is_first: bool
) -> None:
    twin = (name.encode(), b"AWSStepFunctions.DeleteStateMachine")
    pairs = list(SIGNED.request.headers)

    forged = [twin, *pairs] if is_first else [*pairs, twin]

    with pytest.raises(ApiError):
        read_claim(SIGNED.with_pairs(forged).request)


def test_an_amazon_header_must_be_signed() -> None:
    plain = signed(headers={k: v for k, v in HEADERS.items() if "Amz" not in k})
    added = plain.with_header("x-amz-target", b"AWSStepFunctions.DeleteStateMachine")

    with pytest.raises(InvalidSignatureException, match="must name x-amz-target"):
        read_claim(added.request)


def test_other_headers_may_be_added_on_the_way() -> None:
    assert is_proven(SIGNED.with_header("x-forwarded-for", b"192.0.2.1"))


@pytest.mark.parametrize("required", [b"host;", b"x-amz-date;"])
def test_host_and_date_must_be_signed(required: bytes) -> None:
    text = SIGNED.header("authorization").replace(required, b"")

    with pytest.raises(InvalidSignatureException, match="SignedHeaders must name"):
        read_claim(SIGNED.with_header("authorization", text).request)


@pytest.mark.parametrize(
    "names", [b"host;host", b"x-amz-date;host", b"HOST", b"", b";", b"host;nothing"]
)
def test_signed_headers_are_a_sorted_list_of_what_is_there(names: bytes) -> None:
    text = SIGNED.header("authorization")
    middle = text.partition(b"SignedHeaders=")[2].partition(b",")[0]
    forged = text.replace(middle, names)

    with pytest.raises(InvalidSignatureException):
        read_claim(SIGNED.with_header("authorization", forged).request)


@pytest.mark.parametrize(
    "kind", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]
)
def test_a_body_that_is_not_signed_is_refused(kind: str) -> None:
    given = signed(headers={**HEADERS, "X-Amz-Content-SHA256": kind})

    assert not is_proven(given)
    with pytest.raises(InvalidSignatureException, match="must be the SHA-256"):
        check_body_hash(given.request, given.body)


def test_the_true_hash_of_the_body_may_be_told() -> None:
    digest = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    given = signed(headers={**HEADERS, "X-Amz-Content-SHA256": digest})

    check_body_hash(given.request, given.body)
    assert is_proven(given)


def test_temporary_credentials_are_refused() -> None:
    with pytest.raises(UnrecognizedClientException, match="no temporary credentials"):
        read_claim(signed(token="of-a-session").request)


def test_a_request_without_a_signature_is_refused() -> None:
    with pytest.raises(
        MissingAuthenticationTokenException, match="Missing Authentication Token"
    ):
        read_claim(SIGNED.without_header("authorization").request)


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_signature_in_the_query_is_refused(is_signed: bool) -> None:
    query = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-AMZ-Signature=00"
    given = SIGNED if is_signed else SIGNED.without_header("authorization")

    with pytest.raises(IncompleteSignatureException, match="in the query"):
        read_claim(replace(given.request, query=query))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Basic YTpi",
        b"Bearer x",
        b"AWS4-HMAC-SHA256",
        b"AWS4-HMAC-SHA256 Credential=a",
        b"AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0",
        b"AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=0",
        b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws5_request, SignedHeaders=host, Signature=0",
        b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=h, Signature=0, Signature=1",
        b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=h, Signature=0, Extra=1",
        b"AWS4-HMAC-SHA256 " + b"," * 100_000,
        b"AWS4-HMAC-SHA256 Credential=a, SignedHeaders="
        + b"h;" * 10_000
        + b", Signature=0",
    ],
    ids=lambda text: repr(text[:60]),
)
def test_what_is_no_signature_is_refused(text: bytes) -> None:
    with pytest.raises(IncompleteSignatureException):
        read_claim(SIGNED.with_header("authorization", text).request)


@pytest.mark.parametrize(
    "date", [b"20200101T000000Z", b"2026-01-01T00:00:00Z", b"now", b"\xff", b""]
)
def test_the_date_must_be_that_of_the_scope(date: bytes) -> None:
    with pytest.raises(InvalidSignatureException, match="Date in Credential scope"):
        read_claim(SIGNED.with_header("x-amz-date", date).request)


@pytest.mark.parametrize("day", [b"", b"2", b"20200101"])
def test_the_scope_must_name_the_whole_day(day: bytes) -> None:
    text = SIGNED.header("authorization")
    present = text.split(b"/")[1]
    forged = text.replace(b"/%b/" % present, b"/%b/" % day)

    with pytest.raises(InvalidSignatureException, match="Date in Credential scope"):
        read_claim(SIGNED.with_header("authorization", forged).request)


NAMES = st.sampled_from(
    [b"host", b"x-amz-date", b"x-amz-target", b"authorization", b"accept"]
)
TEXTS = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([value for _, value in SIGNED.request.headers]),
    st.lists(
        st.sampled_from(
            [
                b"AWS4-HMAC-SHA256 ",
                b"Credential=",
                b"SWKA/20260101/us-east-1/states/aws4_request",
                b"SignedHeaders=",
                b"host;x-amz-date",
                b"Signature=",
                b", ",
                b"\xff",
            ]
        ),
        max_size=12,
    ).map(b"".join),
)


@given(st.lists(st.tuples(NAMES, TEXTS)), st.binary(max_size=40), st.binary())
def test_whatever_is_sent_is_read_or_refused(
    headers: list[tuple[bytes, bytes]], query: bytes, body: bytes
) -> None:
    request = replace(SIGNED.request, headers=headers, query=query)

    assert not is_proven(Signed(request=request, body=body)) or body == SIGNED.body
