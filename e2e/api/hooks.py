"""What Schemathesis has to know about event streams and cannot read in the OpenAPI document.

The server that it asks is told by the environment: SSE_SERVER_SECRET is the key that tokens are signed with, and is
empty where none is needed.
"""

import base64
import hmac
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import schemathesis

SECRET = os.environ.get("SSE_SERVER_SECRET", "")

# Straight to loopback, whatever the environment says about proxies.
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# Comments, fields and blank lines; where a stream ends is the end of a line.
STREAM = re.compile(r":(ok|come back)\nretry: [0-9]+\n((:|event: .*|data: ?.*|id: .*|retry: [0-9]+)?\n)*")


def token():
    encode = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    claims = {"mercure": {"publish": ["*"], "subscribe": ["*"]}, "exp": int(time.time()) + 3600}
    unsigned = encode(b'{"alg":"HS256"}') + "." + encode(json.dumps(claims).encode())
    return unsigned + "." + encode(hmac.digest(SECRET.encode(), unsigned.encode(), "sha256"))


@schemathesis.serializer("text/event-stream")
def lines(context, value):
    """Whatever is sent as a stream of events is one: lines that are no fields are passed over."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """No body of a stream of events is wrong, and where the document says that a token may be needed, it is."""
    for path in ["/events", "/events/{topic}"]:
        publish = raw_schema["paths"][path]["post"]
        publish["requestBody"]["content"]["text/event-stream"]["schema"] = {}
    if not SECRET:
        return
    for item in raw_schema["paths"].values():
        for operation in item.values():
            if "security" in operation:
                operation["security"] = [{"bearer": []}]


if SECRET:

    @schemathesis.auth()
    class Token:
        def get(self, case, context):
            return token()

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Brings about, or leaves out, what the document only says in words."""
    if case.method.upper() == "GET" and case.path.startswith("/events"):
        for path in topics(case):
            end(case, path)
    if case.media_type == "text/event-stream" and case.meta and case.meta.generation.mode.is_positive:
        # A stream of events names its events itself, and takes no key.
        (case.query or {}).pop("event", None)
        (case.headers or {}).pop("Idempotency-Key", None)


def topics(case):
    """The paths of the topics that a stream is asked for. Once they have ended, it ends behind what is left of them."""
    if case.path == "/events/{topic}":
        return [case.formatted_path]
    asked = (case.query or {}).get("topic", [])
    asked = asked if isinstance(asked, list) else [asked]
    return ["/events/" + urllib.parse.quote(str(topic), safe="") for topic in asked]


def end(case, path):
    url = case.operation.schema.get_base_url().rstrip("/") + path + "?end=true"
    request = urllib.request.Request(url, b":\n", {"Content-Type": "text/event-stream"})
    if SECRET:
        request.add_header("Authorization", f"Bearer {token()}")
    try:
        LOOPBACK.open(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        # No topic of this name can be, so no stream will be opened either.
        if error.code != 400:
            raise


@schemathesis.hook
def filter_path_parameters(context, parameters):
    """Names are limited in bytes, of which JSON Schema knows nothing."""
    return all(fits(value, 256) for value in (parameters or {}).values())


@schemathesis.hook
def filter_query(context, query):
    query = query or {}
    topics = query.get("topic")
    topics = topics if isinstance(topics, list) else [topics]
    return fits(query.get("event"), 255) and all(fits(topic, 256) for topic in topics)


def fits(value, limit):
    """Whether this is no longer in bytes than the document allows it to be in characters, or too long by both."""
    if not isinstance(value, str):
        return True
    return len(value) > limit or len(urllib.parse.unquote(value).encode("utf-8", "surrogatepass")) <= limit


@schemathesis.check
def event_stream(ctx, response, case):
    """Every stream that was opened is one, from its preamble to its end."""
    if response.headers.get("content-type", [""])[0] == "text/event-stream" and case.method.upper() == "GET":
        assert STREAM.fullmatch(response.text), f"no event stream: {response.text!r}"
