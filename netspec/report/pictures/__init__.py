"""Pictures in files, PNG or SVG. Only `canvas` knows what draws them; the others say what is drawn."""

from netspec.report.pictures.canvas import check_can_draw, form_of

__all__ = ["check_can_draw", "form_of"]
