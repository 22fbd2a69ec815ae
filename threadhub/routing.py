"""The addresses of sockets."""

from __future__ import annotations

from typing import Any

from channels.routing import URLRouter
from django.urls import path, re_path

from threadhub.kernel.realtime import consumer

# Django's types know views only.
stream: Any = consumer.stream
nowhere: Any = consumer.nowhere

sockets = URLRouter([path("ws/v1/stream", stream), re_path("", nowhere)])
