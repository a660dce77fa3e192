"""Values of settings, as they cross the seam between a node and its front-ends."""

from typing import Literal

from p2ptui.node.api_values import Value

SettingOrigin = Literal["default", "file", "environment", "flag"]
SettingApplies = Literal["now", "restart"]


class SettingRow(Value, frozen=True, kw_only=True):
    """A setting, every value as people write it in the settings file or a flag."""

    key: str
    """`peer.up_limit`, `look.theme`, `keys.fetch`."""
    value: str
    default: str
    help: str
    origin: SettingOrigin
    applies: SettingApplies
    """Whether a change is felt at once, or once the program is started again."""
    note: str = ""
    """What else there is to know of a change, as that the environment comes first."""
