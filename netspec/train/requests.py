"""What a person asks of a training while it goes on."""

from __future__ import annotations

__all__ = ["Requests"]


class Requests:
    """Asked from any thread; the trainer looks after every window of steps, and does it then.

    Args:
        stops: save, and stop.
        stops_after_epoch: save and stop where the epoch ends; may be taken back.
    """

    def __init__(self) -> None:
        self.stops = False
        self.stops_after_epoch = False
        self._saves = False

    def stop(self) -> None:
        """Save and stop after the steps that are being made."""
        self.stops = True

    def stop_after_epoch(self, wanted: bool = True) -> None:
        """Save and stop where the epoch ends, or not after all."""
        self.stops_after_epoch = wanted

    def save(self) -> None:
        """Save after the steps that are being made, and go on."""
        self._saves = True

    def take_save(self) -> bool:
        """Whether a save is asked for; the asking is over with that."""
        asked, self._saves = self._saves, False
        return asked
