"""Forms from JSON Schemas: what a graph takes and what a question wants, asked field by field."""

from __future__ import annotations

from .form import Bound as Bound
from .form import SchemaForm as SchemaForm
from .form import form_for as form_for
