// Requests through `wasi:http` itself. The `fetch` of the engine has one error
// for whatever went wrong; here the host's code says whether a request was
// refused, came to nothing, or was too large.

import { handle } from "wasi:http/outgoing-handler@0.2.0";
import { Fields, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.0";
import { write } from "koppel:connector/log@0.1.0";

/** How many bytes of a reply are read at a time. */
const CHUNK = 65536;

// As the toolchain names it.
const DISPOSE = Symbol.dispose ?? Symbol.for("dispose");

/** Codes that say that the host does not let a request through. */
const REFUSED = [
  "HTTP-request-denied",
  "HTTP-request-URI-invalid",
  "destination-IP-prohibited",
  "loop-detected",
  "connection-limit-reached",
  "configuration-error",
];

/** Codes that say that a request or its reply is larger than the operator allows. */
const TOO_LARGE = [
  "HTTP-request-body-size",
  "HTTP-response-body-size",
  "HTTP-response-header-section-size",
];

/**
 * Sends a GET request, and waits for the whole reply, whatever its status:
 * `status`, `headers` (by their names in lower case) and `text`.
 *
 * What it throws if there is none is an error of the contract, the same as that
 * of the SDK for Rust. `other` is what the host makes of a denial, if it was
 * one.
 */
export function get(url, headers) {
  // Without the query, in which there may be personal data.
  const where = `${url.origin}${url.pathname}`;
  let code;
  try {
    const reply = exchange(url, headers);
    if (reply.tag === "ok") {
      return reply.val;
    }
    code = reply.val.tag;
  } catch (error) {
    // What was refused before it was sent.
    if (error.payload?.tag === undefined) {
      throw error;
    }
    code = error.payload.tag;
  }
  if (REFUSED.includes(code)) {
    throw { tag: "other", val: `the host does not allow ${where} (${code}); the log of the run says why` };
  }
  if (TOO_LARGE.includes(code)) {
    throw { tag: "outside-party", val: `${where}: too large (${code})` };
  }
  write("warn", `${where} cannot be reached (${code})`);
  throw { tag: "unavailable", val: undefined };
}

/** The reply, or the code of the host, as a result of the contract. */
function exchange(url, headers) {
  const utf8 = new TextEncoder();
  const entries = Object.entries(headers).map(([name, value]) => [name, utf8.encode(value)]);
  const request = new OutgoingRequest(Fields.fromList(entries));
  request.setMethod({ tag: "get" });
  request.setScheme({ tag: url.protocol === "https:" ? "HTTPS" : "HTTP" });
  request.setAuthority(url.host);
  request.setPathWithQuery(url.pathname + url.search);
  const nothing = request.body();
  const future = handle(request, undefined);
  OutgoingBody.finish(nothing, undefined);
  const arrival = future.subscribe();
  arrival.block();
  arrival[DISPOSE]();
  // There is one now, and it was not taken before.
  const arrived = future.get().val;
  future[DISPOSE]();
  return arrived.tag === "ok" ? { tag: "ok", val: whole(arrived.val) } : arrived;
}

/** A reply with all of its body. */
function whole(response) {
  const text = new TextDecoder();
  const received = response.headers();
  const headers = new Map(received.entries().map(([name, value]) => [name.toLowerCase(), text.decode(value)]));
  received[DISPOSE]();
  const body = response.consume();
  const stream = body.stream();
  let read = "";
  for (let chunk = next(stream); chunk !== undefined; chunk = next(stream)) {
    read += text.decode(chunk, { stream: true });
  }
  const reply = { status: response.status(), headers, text: read + text.decode() };
  stream[DISPOSE]();
  body[DISPOSE]();
  response[DISPOSE]();
  return reply;
}

/** The bytes that come next; undefined at the end. */
function next(stream) {
  try {
    return stream.blockingRead(BigInt(CHUNK));
  } catch (error) {
    if (error.payload?.tag === "closed") {
      return undefined;
    }
    throw error;
  }
}
