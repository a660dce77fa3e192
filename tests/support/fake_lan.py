"""A local network in memory: who advertises on a cable is seen by all who browse there."""

from p2ptui.net.discovery import Card, Kind, OnCard


class LanCable:
    """What all `FakeLan`s of a test are on."""

    def __init__(self) -> None:
        self.cards: dict[str, Card] = {}
        self.browsers: list[tuple[FakeLan, Kind, OnCard]] = []
        self._last = 0

    def put(self, card: Card) -> str:
        """Advertise; the instance's name."""
        self._last += 1
        name = f"instance-{self._last}"
        self.cards[name] = card
        for _, kind, on_card in tuple(self.browsers):
            if kind == card.kind:
                on_card(name, card)
        return name

    def take(self, name: str) -> None:
        """Take it away."""
        gone = self.cards.pop(name)
        for _, kind, on_card in tuple(self.browsers):
            if kind == gone.kind:
                on_card(name, None)


class FakeLan:
    """Implements `Lan`."""

    def __init__(self, cable: LanCable) -> None:
        self._cable = cable
        self._own: dict[Kind, str] = {}
        self.closed = False

    async def advertise(self, card: Card) -> None:
        if card.kind in self._own:
            self._cable.take(self._own.pop(card.kind))
        self._own[card.kind] = self._cable.put(card)

    async def browse(self, kind: Kind, on_card: OnCard) -> None:
        self._cable.browsers.append((self, kind, on_card))
        for name, card in tuple(self._cable.cards.items()):
            if card.kind == kind:
                on_card(name, card)

    async def close(self) -> None:
        self.closed = True
        self._cable.browsers = [each for each in self._cable.browsers if each[0] is not self]
        for name in self._own.values():
            self._cable.take(name)
        self._own.clear()
