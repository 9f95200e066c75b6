"""A WSGI application: `/NAME?SECONDS` takes so long."""

import time

from recorder import recorded


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    if name:
        with recorded(name):
            time.sleep(float(environ.get("QUERY_STRING") or 0))
    start_response("200 OK", [("Content-Length", "3")])
    return [b"ok\n"]
