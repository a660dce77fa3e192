"""Ids: text forms, and the range of ids that the beginning of one stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptui.base.ids import (
    CONTENT_ID_TEXT_LENGTH,
    ContentId,
    content_id_bounds,
    content_id_text,
    parse_content_id,
    short_content_id,
)

content_ids = st.binary(min_size=32, max_size=32).map(ContentId)


@given(content_ids)
def test_the_text_form_reads_back(content_id: ContentId) -> None:
    text = content_id_text(content_id)
    assert len(text) == CONTENT_ID_TEXT_LENGTH
    assert parse_content_id(text) == content_id
    assert parse_content_id(f" {text.upper()} ") == content_id


@pytest.mark.parametrize(
    "text",
    ["", "b3c1", "b3c1" + "a" * 51, "b3c1" + "a" * 53, "b3c2" + "a" * 52, "b3c1" + "a" * 51 + "1"],
)
def test_other_texts_are_no_content_id(text: str) -> None:
    assert parse_content_id(text) is None


def test_a_text_whose_spare_bits_are_set_is_no_content_id() -> None:
    assert parse_content_id("b3c1" + "a" * 51 + "b") is None


@given(content_ids, st.integers(min_value=4, max_value=52))
def test_bounds_hold_the_ids_that_begin_so(content_id: ContentId, length: int) -> None:
    bounds = content_id_bounds(content_id_text(content_id)[: 4 + length])
    assert bounds is not None
    low, high = bounds
    assert low <= content_id <= high
    start = content_id_text(content_id)[: 4 + length]
    assert content_id_text(low).startswith(start)
    assert content_id_text(high).startswith(start)


@given(content_ids, content_ids)
def test_bounds_hold_no_other_id(one: ContentId, other: ContentId) -> None:
    start = content_id_text(one)[:12]
    bounds = content_id_bounds(start)
    assert bounds is not None
    assert (bounds[0] <= other <= bounds[1]) == content_id_text(other).startswith(start)


@pytest.mark.parametrize("text", ["", "b3c1", "b3c1abc", "abcdefgh", "b3c1abc1", "b3c1abcd efgh"])
def test_too_short_or_other_texts_have_no_bounds(text: str) -> None:
    assert content_id_bounds(text) is None


def test_the_short_form_follows_the_prefix() -> None:
    assert short_content_id("b3c1abcdefghijkl") == "abcdefgh"
