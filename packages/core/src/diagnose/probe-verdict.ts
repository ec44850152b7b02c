import { isJsonObject } from '@credence/protocol';
import { CredenceError, errorCode } from '../errors/credence-error.ts';
import type { ErrorCode } from '../errors/codes.ts';
import type { Contact } from '../errors/leg.ts';
import { retryAfterSeconds, withoutQuery } from '../net/gate.ts';
import { shownContentType } from '../net/media-type.ts';
import { peerText } from '../net/peer-text.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { Flaw, RpcReply } from './rpc-reply.ts';

interface Wording {
  readonly code: ErrorCode;
  readonly contact: Contact;
  /** What the URL answered, after "... answered `initialize` with". */
  readonly what: string;
  readonly remedy: string;
  readonly retryable?: boolean;
}

/**
 * The error for a URL that does not answer a message of MCP as an MCP server does. The messages here name the configured URL: one to
 * which the server redirects is a text that the server chose.
 */
export function notMcp(
  server: ServerSettings,
  { method, reply }: { method: string; reply: RpcReply },
  secrets: readonly string[],
): CredenceError {
  const { code, contact, what, remedy, retryable = false } = wordingFor(server, method, reply);
  return new CredenceError({
    code,
    leg: 'call',
    message: `${withoutQuery(server.url.href)} answered ${method} with ${what}.`,
    remedy,
    contact,
    server: server.name,
    status: reply.status,
    peerText: peerText(reply.text, secrets),
    retryable,
    retryAfterSeconds: retryable ? retryAfterSeconds(reply.headers) : undefined,
  });
}

function wordingFor(server: ServerSettings, method: string, reply: RpcReply): Wording {
  const { status, message, flaw = 'not JSON-RPC' } = reply;
  const option = `servers.${server.name}.url`;
  const owner = `the owner of server "${server.name}"`;
  if (status === 429) {
    const remedy = `Wait, or ask ${owner} for a higher limit.`;
    return { code: 'rate_limited', contact: 'server-owner', what: '429: too many requests', remedy, retryable: true };
  }
  if (status >= 500) {
    const gateway = status === 502 || status === 503 || status === 504;
    const remedy = gateway
      ? `Ask ${owner} whether the server runs: a proxy in front of it may answer in its place.`
      : `Ask ${owner} whether the server works.`;
    return { code: 'peer_unavailable', contact: 'server-owner', what: `${status}`, remedy, retryable: true };
  }
  if (status === 404 && message === undefined) {
    if (method === 'notifications/initialized') {
      const remedy = `Ask ${owner} whether several instances run without sharing sessions.`;
      const what = '404: it does not know the session that it has just opened';
      return { code: 'peer_unavailable', contact: 'server-owner', what, remedy, retryable: true };
    }
    return {
      code: 'invalid_response',
      contact: 'you',
      what: '404: nothing is at this path',
      remedy: pathRemedy(server),
    };
  }
  if (status === 405) {
    const what = '405: it accepts no POST, so it is no MCP endpoint';
    return { code: 'invalid_response', contact: 'you', what, remedy: pathRemedy(server) };
  }
  if (status === 406 || status === 415) {
    const what = `${status}: it refuses the media types that MCP prescribes`;
    const remedy = `Check ${option}; if it is right, ask ${owner} to accept application/json and text/event-stream.`;
    return { code: 'invalid_response', contact: 'server-owner', what, remedy };
  }
  const error = message?.['error'];
  if (isJsonObject(error)) {
    const what = `the JSON-RPC error ${String(error['code']).slice(0, 20)}${status === 200 ? '' : ` and the status ${status}`}`;
    const remedy = `Ask ${owner} why the server refuses to start a session. What it said is in peerText.`;
    return { code: 'invalid_response', contact: 'server-owner', what, remedy };
  }
  if (message) {
    const what = 'a result without a protocolVersion';
    return {
      code: 'invalid_response',
      contact: 'server-owner',
      what,
      remedy: `Check ${option}; if it is right, ask ${owner} to correct the response.`,
    };
  }
  const answers: Readonly<Record<Flaw, string>> = {
    empty: `${status} and no content`,
    html: `${status} and an HTML page`,
    'not JSON': `${status} and text that is not JSON`,
    'not JSON-RPC': `${status} and JSON that is no JSON-RPC response`,
    'result and error': `${status} and a JSON-RPC response that has both a result and an error`,
    'another id': `${status} and a JSON-RPC response to another request`,
    'JSON under another content type': `${status} and JSON under ${shownContentType(reply.headers)}`,
    'no event': `${status} and an event stream that ended without a response`,
    'too large': `${status} and more than 1 MiB`,
  };
  const what = answers[flaw];
  if (flaw === 'html') {
    const remedy = `Check ${option}, and whether a login page or the captive portal of your network answers in place of the server; if neither is the cause, ask ${owner}.`;
    return { code: 'invalid_response', contact: 'you', what, remedy };
  }
  if (flaw === 'too large') {
    const remedy = `Check ${option}; if it is right, ask ${owner} why the response does not end.`;
    return { code: 'response_too_large', contact: 'server-owner', what, remedy };
  }
  if (flaw === 'JSON under another content type') {
    const remedy = `Ask ${owner} to send the content type application/json: MCP clients refuse any other.`;
    return { code: 'invalid_response', contact: 'server-owner', what, remedy };
  }
  const isRightUrl = flaw === 'result and error' || flaw === 'another id' || flaw === 'no event';
  const remedy = isRightUrl
    ? `Ask ${owner} to correct the response; a proxy in front of the server may cut or mix responses.`
    : `Check ${option}: this is not how an MCP server answers; if it is right, ask ${owner}.`;
  return { code: 'invalid_response', contact: isRightUrl || status >= 400 ? 'server-owner' : 'you', what, remedy };
}

function pathRemedy({ name, url }: ServerSettings): string {
  const slash =
    url.pathname === '/' ? '' : `, also ${url.pathname.endsWith('/') ? 'without' : 'with'} a slash at its end`;
  return `Check the path in servers.${name}.url${slash}; if it is right, ask the owner of server "${name}" whether the server has moved.`;
}

/** The error for a redirect that the transports of the MCP SDKs do not follow. */
export function redirected(
  server: ServerSettings,
  { status, target }: { status: number; target: URL | undefined },
): CredenceError {
  const option = `servers.${server.name}.url`;
  const owner = `the owner of server "${server.name}"`;
  const isSameHost = target !== undefined && target.hostname === server.url.hostname;
  const isHttps = isSameHost && target.protocol === 'https:' && server.url.protocol === 'http:';
  const what =
    status === 304
      ? 'the status 304 (not modified), which is no response to a message'
      : `a redirect (${status}) ${target === undefined ? 'that names no URL' : isSameHost ? 'to another URL of its host' : 'to another host'}, and the token is not sent there`;
  return new CredenceError({
    code: 'redirect_refused',
    leg: 'call',
    message: `${withoutQuery(server.url.href)} answered with ${what}.`,
    remedy:
      isHttps || (isSameHost && target.origin === server.url.origin)
        ? `If an MCP server is there, set ${option} to the URL in peerText; if it is a login page, ask ${owner} for a URL that accepts access tokens.`
        : `Check whether a login page or the captive portal of your network answers in place of the server; if the server has moved, set ${option} to its new URL, else ask ${owner}.`,
    contact: isSameHost ? 'you' : 'server-owner',
    server: server.name,
    status,
    // The URL is a text that the peer chose.
    peerText: target && `Location: ${isSameHost ? withoutQuery(target.href) : target.origin}`,
  });
}

/** The error for a server that has only revisions of MCP that Credence does not know. */
export function unsupportedRevision(server: ServerSettings, revisions: readonly string[]): CredenceError {
  // A revision is a date. Any other text is a word of the peer.
  const dates = revisions.filter((revision) => /^\d{4}-\d{2}-\d{2}$/u.test(revision));
  const known = [...new Set(dates)].slice(0, 5).map((date) => `"${date}"`);
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server.name}" has only revisions of MCP that Credence does not know${known.length === 0 ? '' : `: ${known.join(', ')}`}.`,
    remedy: `Install a newer version of Credence and of the MCP SDK, or ask the owner of server "${server.name}" for an older revision.`,
    contact: 'you',
    server: server.name,
    peerText: `supported: ${revisions.slice(0, 5).join(', ')}`,
  });
}

/** The error for a result of `initialize` that the MCP SDKs refuse. `member` is missing or wrong in it. */
export function wrongResult(
  server: ServerSettings,
  { reply }: { reply: RpcReply },
  member: string,
  secrets: readonly string[],
): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `${withoutQuery(server.url.href)} answered initialize with a result whose "${member}" is missing or of a wrong type, and the MCP SDKs do not connect to such a server.`,
    remedy: `Ask the owner of server "${server.name}" to correct the response to initialize.`,
    contact: 'server-owner',
    server: server.name,
    status: reply.status,
    peerText: peerText(reply.text, secrets),
  });
}

/** The error for a connection that ends during a response, or for a body that cannot be decompressed. */
export function streamBroken(server: ServerSettings, cause: unknown): CredenceError {
  // The codes of zlib, Brotli and Zstandard.
  if (/^(?:Z_|ERR_ZLIB|ERR__ERROR_|ERR_BROTLI|ZSTD_|BROTLI_)/u.test(errorCode(cause) ?? '')) {
    return new CredenceError({
      code: 'invalid_response',
      leg: 'call',
      message: `${withoutQuery(server.url.href)} sent a body that is not compressed as its Content-Encoding says.`,
      remedy: `Ask the owner of server "${server.name}" to correct Content-Encoding; a proxy in front of the server may set it.`,
      contact: 'server-owner',
      server: server.name,
      cause,
    });
  }
  return new CredenceError({
    code: 'unreachable',
    leg: 'call',
    message: `The connection to ${withoutQuery(server.url.href)} ended during a response.`,
    remedy: `Ask the owner of server "${server.name}" whether the server or a proxy in front of it ends connections.`,
    contact: 'server-owner',
    server: server.name,
    retryable: true,
    cause,
  });
}
