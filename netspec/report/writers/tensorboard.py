"""Writes event files for TensorBoard, under the run's directory.

TensorBoard's own writer, and no TensorFlow. A run that goes on opens another file, whose first event has TensorBoard
forget what lies past the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from netspec.report.writers.told import Begun, Row
from netspec.runs.events import Finished

__all__ = ["FOLDER", "open_writer"]

FOLDER = "tensorboard"
"""Of the files, in the run's directory."""

FLUSH_SECONDS = 5

_STATUS = {"done": api_pb2.STATUS_SUCCESS, "diverged": api_pb2.STATUS_FAILURE, "failed": api_pb2.STATUS_FAILURE}


class _Writer:
    def __init__(self, begun: Begun) -> None:
        self._file = EventFileWriter(str(begun.run / FOLDER), flush_secs=FLUSH_SECONDS)
        started = begun.started
        if started.step:
            forget = SessionLog(status=SessionLog.START)
            self._file.add_event(Event(wall_time=started.time, step=started.step + 1, session_log=forget))
        # Four blanks make code of a line in Markdown, which nothing in the line can end.
        spec = "\n".join(f"    {line}" for line in begun.spec.splitlines())
        # Runs are told apart by their directories: `trial_id` is what puts a resumed one beside itself.
        settings = hparams_pb(dict(begun.settings), trial_id=str(begun.run), start_time_secs=started.time)
        for summary in (text_pb("spec", spec), settings):
            self._file.add_event(Event(wall_time=started.time, step=started.step, summary=summary))

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            values = [Summary.Value(tag=name, simple_value=value) for name, value in row.values.items()]
            self._file.add_event(Event(wall_time=row.time, step=row.step, summary=Summary(value=values)))
        self._file.flush()

    def close(self, finished: Finished | None) -> None:
        if finished is not None:
            status = _STATUS.get(finished.reason, api_pb2.STATUS_UNKNOWN)
            info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=finished.time)
            summary = Summary()
            summary.value.add(
                tag=metadata.SESSION_END_INFO_TAG,
                metadata=metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=info)),
                tensor=metadata.NULL_TENSOR,
            )
            self._file.add_event(Event(wall_time=finished.time, step=finished.step, summary=summary))
        self._file.close()


def open_writer(begun: Begun) -> _Writer:
    """Begin a file in the run's directory."""
    return _Writer(begun)
