"""Journals: what is believed of them (F97)."""

from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import ContentId
from p2ptui.node.disk import FileStat
from p2ptui.node.journal import (
    RECORD_BYTES,
    claim_records,
    clean_record,
    read_journal,
    withdrawal_records,
)

CONTENT = ContentId(bytes(range(32)))
PART = FileStat(size=100, mtime_ns=5, device=1, inode=7, links=1, allocated=100, regular=True)


def claimed(data: bytes, content: ContentId = CONTENT, part: FileStat = PART) -> list[int]:
    return list(read_journal(content, 100, data, part).chunks.present())


def test_claims_are_read_as_they_were_written() -> None:
    data = claim_records(CONTENT, [0, 1, 2, 50]) + claim_records(CONTENT, [99])
    assert len(data) == 3 * RECORD_BYTES
    assert claimed(data) == [0, 1, 2, 50, 99]
    assert not read_journal(CONTENT, 100, data, PART).clean


def test_an_orderly_end_is_believed_while_the_file_is_as_it_was() -> None:
    data = claim_records(CONTENT, [3]) + clean_record(CONTENT, PART)
    assert read_journal(CONTENT, 100, data, PART).clean
    for changed in (PART._replace(size=99), PART._replace(mtime_ns=6), PART._replace(inode=8)):
        assert not read_journal(CONTENT, 100, data, changed).clean
    assert not read_journal(CONTENT, 100, data + claim_records(CONTENT, [4]), PART).clean
    assert not read_journal(CONTENT, 100, data + b"torn", PART).clean


def test_withdrawn_claims_are_gone_until_claimed_again() -> None:
    data = claim_records(CONTENT, range(10)) + withdrawal_records(CONTENT, [3, 4])
    assert claimed(data) == [0, 1, 2, 5, 6, 7, 8, 9]
    assert claimed(data + claim_records(CONTENT, [4])) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_f97_the_journal_of_another_content_counts_for_nothing() -> None:
    data = claim_records(CONTENT, [1]) + clean_record(CONTENT, PART)
    other = ContentId(bytes(32))
    assert claimed(data, other) == []
    assert not read_journal(other, 100, data, PART).clean


def test_f97_claims_past_the_end_count_for_nothing() -> None:
    assert claimed(claim_records(CONTENT, [98, 99, 100])) == []


@given(st.integers(0, 4 * RECORD_BYTES))
def test_f97_a_torn_journal_claims_what_is_whole(length: int) -> None:
    data = b"".join(claim_records(CONTENT, [index]) for index in (10, 20, 30, 40))
    assert claimed(data[:length]) == [10, 20, 30, 40][: length // RECORD_BYTES]


@given(st.integers(0, 8 * 3 * RECORD_BYTES - 1))
def test_f97_a_flipped_bit_costs_one_record(bit: int) -> None:
    data = bytearray(b"".join(claim_records(CONTENT, [index]) for index in (10, 20, 30)))
    data[bit // 8] ^= 1 << bit % 8
    whole = [10, 20, 30]
    del whole[bit // 8 // RECORD_BYTES]
    assert claimed(bytes(data)) == whole


@given(st.binary(max_size=400))
def test_f97_nonsense_claims_nothing(data: bytes) -> None:
    claims = read_journal(CONTENT, 100, data, PART)
    assert claims.chunks.count == 0
    assert not claims.clean
