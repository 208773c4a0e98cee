"""Faults of the delivery: refusals, delays, broken or foreign bodies, a wrong clock.

What does not belong here: faults inside the rows (exchange.faults.rows).
"""

from dataclasses import replace

from exchange.faults.context import Context
from exchange.wires.answer import Answer

_PAGE = b"<!DOCTYPE html><html><head><title>Will be right back</title></head><body>\xec\xa0\x90\xea\xb2\x80 \xec\xa4\x91</body></html>"


def rate_limit(_answer: Answer, context: Context) -> Answer:
    """429 with Retry-After."""
    wait = context.fault["retry_after"]
    return Answer(b"Too Many Requests", 429, "text/plain", {"Retry-After": wait})


def server_errors(_answer: Answer, context: Context) -> Answer:
    """A 5xx without a useful body."""
    return Answer(b"Service Unavailable", int(context.fault["status"]), "text/plain")


def slow(answer: Answer, context: Context) -> Answer:
    """The right answer, late."""
    return replace(answer, delay_s=answer.delay_s + context.fault.number("delay"))


def cut(answer: Answer, context: Context) -> Answer:
    """The connection closes after part of the body that Content-Length promised."""
    return replace(answer, cut_share=context.fault.number("keep"))


def truncated(answer: Answer, context: Context) -> Answer:
    """HTTP 200 with JSON that stops in the middle, and a Content-Length that fits it."""
    body = answer.encode()
    return replace(answer, body=body[: max(1, min(int(len(body) * context.fault.number("keep")), len(body) - 1))])


def html(_answer: Answer, context: Context) -> Answer:
    """A page for people where JSON was asked for."""
    return Answer(_PAGE, int(context.fault["status"]), "text/html;charset=UTF-8")


def error_body(_answer: Answer, context: Context) -> Answer:
    """The source's own error object with HTTP 200."""
    return context.wire.error_body()


def expired_key(_answer: Answer, context: Context) -> Answer:
    """The source's refusal of a key that has run out."""
    return context.wire.expired_key()


def quota(_answer: Answer, context: Context) -> Answer:
    """The source's refusal after the day's last call."""
    return context.wire.quota_spent()


def clock_skew(answer: Answer, context: Context) -> Answer:
    """A Date header that is off by some seconds."""
    return replace(answer, skew_s=context.fault.number("seconds"))
