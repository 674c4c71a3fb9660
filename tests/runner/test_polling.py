"""When an entity is read next: soon after news, rarely when it is quiet, ever more rarely while it fails."""

from __future__ import annotations

from instep.core.model import Side
from instep.errors import BadAnswer, RetryLater, Stop
from instep.runner.polling import Poll, Rhythm

RHYTHM = Rhythm(slow_ms=60_000, busy_ms=5_000, failed_ms=5_000, stopped_ms=300_000)


def poll() -> Poll:
    return Poll(Side.LEFT, "customer", RHYTHM)


def test_news_brings_the_next_reading_near_and_quiet_takes_it_further_away() -> None:
    its, waits = poll(), []
    for news in (1, 0, 0, 0, 0, 0, 3, 0):
        its.succeeded(1_000_000, news)
        waits.append((its.due_ms - 1_000_000) // 1000)
    assert waits == [5, 10, 20, 40, 60, 60, 5, 10]


def test_a_failing_reading_is_tried_ever_more_rarely_up_to_a_limit_and_forgotten_once_it_succeeds() -> None:
    its, waits = poll(), []
    for _ in range(9):
        its.failed(0, BadAnswer("half an answer"))
        waits.append(its.due_ms // 1000)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert "half an answer" in its.trouble
    assert not its.doubted
    its.succeeded(0, 0)
    assert (its.trouble, its.due_ms) == ("", 5_000)


def test_a_system_that_says_when_to_ask_again_is_not_asked_before() -> None:
    its = poll()
    its.failed(0, RetryLater("not now", after_ms=900_000))
    assert its.due_ms == 900_000
    its.soon(100)
    assert its.due_ms == 900_000
    its.failed(0, RetryLater("not now", after_ms=1))
    assert its.due_ms == 10_000


def test_a_key_that_is_not_taken_is_doubted_and_seldom_tried() -> None:
    its = poll()
    its.failed(0, Stop("the key is wrong"))
    assert (its.due_ms, its.doubted) == (300_000, True)
