"""As much of curl as a worker's shell script calls, for machines without it: `curl [-sSf] [-o FILE] -X METHOD -d BODY URL`."""

import argparse
import http.client
import sys
from http import HTTPStatus
from urllib.parse import urlsplit

parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-S", action="store_true")
parser.add_argument("-f", action="store_true")
parser.add_argument("-o", default="/dev/stdout")
parser.add_argument("-X", dest="method")
parser.add_argument("-d", dest="body")
parser.add_argument("url", type=urlsplit)
wanted = parser.parse_args()

connection = http.client.HTTPConnection(wanted.url.netloc, timeout=10)
connection.request(wanted.method, wanted.url.path, wanted.body)
answer = connection.getresponse()
if wanted.f and answer.status >= HTTPStatus.BAD_REQUEST:
    # As curl's man page has it for --fail.
    sys.exit(22)
with open(wanted.o, "wb") as output:
    output.write(answer.read())
