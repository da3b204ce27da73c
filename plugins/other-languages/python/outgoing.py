"""GET requests through `wasi:http`, with the reason why one failed.

The modules of Python's standard library for requests (`urllib.request`,
`http.client`) need sockets, which koppel has not.
"""

# `urlsplit` imports it when a host name is not ASCII: too late at run time.
import unicodedata  # noqa: F401
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from componentize_py_types import Err
from wit_world.imports import koppel_connector_types as connector
from wit_world.imports import log, outgoing_handler, streams
from wit_world.imports import wasi_http_types as http

# How many bytes of a reply are read at a time.
CHUNK = 65536

# Codes that say that the host does not let a request through.
REFUSED = (
    http.ErrorCode_HttpRequestDenied,
    http.ErrorCode_HttpRequestUriInvalid,
    http.ErrorCode_DestinationIpProhibited,
    http.ErrorCode_LoopDetected,
    http.ErrorCode_ConnectionLimitReached,
    http.ErrorCode_ConfigurationError,
)

# Codes that say that a request or its reply is larger than the operator allows.
TOO_LARGE = (
    http.ErrorCode_HttpRequestBodySize,
    http.ErrorCode_HttpResponseBodySize,
    http.ErrorCode_HttpResponseHeaderSectionSize,
)


@dataclass
class Reply:
    """A whole reply, whatever its status. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def retry_after(self) -> int | None:
        """Whole seconds, if the party says how long to wait."""
        text = self.headers.get("retry-after", "")
        return int(text) if text.isdecimal() and len(text) < 10 else None


def get(url: str, headers: dict[str, str]) -> Reply:
    """Sends a GET request, and waits for the whole reply.

    What is raised if there is none is an error of the contract, the same as that
    of the SDK for Rust. `other` is what the host makes of a denial, if it was
    one.
    """
    parts = urlsplit(url)
    # Without the query, in which there may be personal data.
    where = f"{parts.scheme}://{parts.netloc}{parts.path}"
    try:
        return exchange(parts, headers)
    except Err as error:
        raise Err(of_request(where, error.value)) from error


def of_request(where: str, error) -> connector.ConnectorError:
    """Why there is no reply, as an error of a connector."""
    code = type(error).__name__.removeprefix("ErrorCode_")
    if isinstance(error, REFUSED):
        return connector.ConnectorError_Other(
            f"the host does not allow {where} ({code}); the log of the run says why"
        )
    if isinstance(error, TOO_LARGE):
        return connector.ConnectorError_OutsideParty(f"{where}: too large ({code})")
    if isinstance(error, streams.StreamError_LastOperationFailed):
        with error.value as reason:
            code = reason.to_debug_string()
    elif not isinstance(error, http.ErrorCode):
        return connector.ConnectorError_Other(f"{where}: not to be sent ({error!r})")
    log.write(log.Level.WARN, f"{where} cannot be reached ({code})")
    return connector.ConnectorError_Unavailable(None)


def exchange(url: SplitResult, headers: dict[str, str]) -> Reply:
    """The reply; what is raised is the code of the host.

    `with` lets go of a resource of the host; what a function takes is gone.
    """
    fields = [(name, value.encode()) for name, value in headers.items()]
    request = http.OutgoingRequest(http.Fields.from_list(fields))
    request.set_method(http.Method_Get())
    secure = url.scheme == "https"
    request.set_scheme(http.Scheme_Https() if secure else http.Scheme_Http())
    request.set_authority(url.netloc)
    request.set_path_with_query(f"{url.path or '/'}{'?' if url.query else ''}{url.query}")
    nothing = request.body()
    with outgoing_handler.handle(request, None) as future:
        http.OutgoingBody.finish(nothing, None)
        with future.subscribe() as arrival:
            arrival.block()
        # There is one now, and it was not taken before.
        arrived = future.get().value
    if isinstance(arrived, Err):
        raise arrived
    with arrived.value as response:
        return whole(response)


def whole(response: http.IncomingResponse) -> Reply:
    """A reply with all of its body."""
    with response.headers() as fields:
        headers = {name.lower(): value.decode("latin-1") for name, value in fields.entries()}
    read = bytearray()
    # The stream is let go of before the body that it is of.
    with response.consume() as body, body.stream() as stream:
        while (chunk := following(stream)) is not None:
            read += chunk
    return Reply(response.status(), headers, bytes(read))


def following(stream: streams.InputStream) -> bytes | None:
    """The bytes that come next; none at the end."""
    try:
        return stream.blocking_read(CHUNK)
    except Err as error:
        if isinstance(error.value, streams.StreamError_Closed):
            return None
        raise
