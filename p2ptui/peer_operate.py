"""`operate`: what an operator of the swarm does from its own peer."""

from typing import get_args

from p2ptui.base.errors import usage_error
from p2ptui.base.text import display, parse_duration
from p2ptui.command_context import Context, wrong_number
from p2ptui.command_line import Parsed
from p2ptui.node.api import NodeApi, OperateAct, OperateRequest

_FOREVER = "forever"


async def operate(context: Context[NodeApi], args: Parsed) -> None:
    """`operate ACT [WORDS] [--for TIME] [--uses N] [--why TEXT]`."""
    request = _request(args)
    done = await context.api.operate(request)
    if request.act == "invite":
        context.out.say("Keep it: it is shown this once.")
        context.out.result({"link": done}, display(done))
    else:
        context.out.result({"done": done}, display(done))


def _request(args: Parsed) -> OperateRequest:
    act = _act(args.word(0))
    words = args.words(1)
    for_s = _time(args.text("for")) if args.text("for") else None
    match act:
        case "invite":
            _refuse_more(act, words, 0)
            return OperateRequest(act=act, for_s=for_s, uses=_uses(args.text("uses")))
        case "broadcast":
            return OperateRequest(act=act, text=_said(act, words))
        case "message":
            return OperateRequest(act=act, target=_target(act, words), text=_said(act, words[1:]))
        case _:
            target = _target(act, words)
            _refuse_more(act, words, 1)
            return OperateRequest(act=act, target=target, text=args.text("why"), for_s=for_s)


def _act(word: str) -> OperateAct:
    acts: tuple[OperateAct, ...] = get_args(OperateAct)
    for act in acts:
        if word.lower() == act:
            return act
    raise wrong_number("an act", word, f"Write one of {', '.join(acts)}.")


def _target(act: str, words: list[str]) -> str:
    if not words:
        raise usage_error("Whom?", f"`operate {act}` needs a member", f"operate {act} bert")
    return words[0]


def _said(act: str, words: list[str]) -> str:
    if not words:
        raise usage_error("What?", f"`operate {act}` needs a text")
    return " ".join(words)


def _refuse_more(act: str, words: list[str], most: int) -> None:
    if len(words) > most:
        raise usage_error(
            "Too many words", f"{act}: {' '.join(words[most:])[:40]!r}", "A reason is --why TEXT."
        )


def _time(text: str) -> float | None:
    return None if text.strip().lower() == _FOREVER else parse_duration(text)


def _uses(text: str) -> int:
    if not (text or "1").isdecimal():
        raise wrong_number("a number of uses", text, "Write --uses 3.")
    return int(text or "1")
