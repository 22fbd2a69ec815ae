"""The ASGI application."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadhub.settings.embedded")

# Loads the apps, which the addresses of sockets need.
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402

from threadhub.routing import sockets  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": sockets})
