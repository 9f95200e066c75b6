"""An ASGI application: `/NAME?SECONDS` takes so long."""

import asyncio

from recorder import recorded


async def application(scope, _receive, send):
    if scope["type"] != "http":
        return
    name = scope["path"].strip("/")
    if name:
        with recorded(name):
            await asyncio.sleep(float(scope["query_string"] or 0))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"ok\n"})
