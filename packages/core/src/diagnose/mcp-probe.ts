import {
  EXTENSION_EMA,
  type FetchLike,
  isJsonObject,
  type JsonObject,
  stringField,
  stringList,
  waitFor,
  parsedUrl,
} from '@credence/protocol';
import { isCredenceError } from '../errors/credence-error.ts';
import type { ServerSettings } from '../settings/settings.ts';
import { CLIENT_INFO } from '../call/client-info.ts';
import { eventsIn, type StreamEvent, TooManyBytesError } from './event-stream.ts';
import { linkedSignal } from './linked-signal.ts';
import { wrongMember } from './initialize-result.ts';
import { notMcp, redirected, streamBroken, unsupportedRevision, wrongResult } from './probe-verdict.ts';
import { readAcceptance, readReply, responseIn, type RpcReply } from './rpc-reply.ts';

/** The revisions with `initialize`, newest first. */
const SESSION_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'] as const;
/** The first revision without sessions, and the only one of its kind. */
const STATELESS_REVISION = '2026-07-28';
/** RFC 9110 section 15.4. */
const SAME_METHOD_REDIRECTS: ReadonlySet<number> = new Set([307, 308]);
const MAX_HOPS = 5;
const MAX_STREAM_BYTES = 1024 * 1024;
const END_SESSION_MS = 2_000;
/** How long the body of an accepted notification is read. */
const ACCEPTANCE_MS = 2_000;
/** Each request is sent on its own, so one id is enough. */
const REQUEST_ID = 1;

export interface ProbeContext {
  readonly server: ServerSettings;
  /** Sends a request with the access token. Throws a CredenceError for a refusal. */
  readonly fetch: FetchLike;
  /** Sends a request with the access token and returns every response as it is. Used to end the session. */
  readonly fetchOnce: FetchLike;
  /** Called before each message with its method. */
  readonly onMessage: (method: string) => void;
  /** Called for a problem that does not make the probe fail. */
  readonly warn: (message: string, remedy: string) => void;
  /** Secrets that are removed from the peer's text. */
  readonly secrets: () => readonly string[];
  readonly signal: AbortSignal;
  /** The time limit of the whole probe, after which `signal` aborts. */
  readonly totalMs: number;
}

/** The result of a probe. */
export interface Spoken {
  /** The revision of MCP that the server and a client would use. */
  readonly revision: string;
}

/** A JSON-RPC response, or the reason why there is none, and the URL that sent it. */
interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly reply: RpcReply;
}

/**
 * Checks that an MCP server answers at the URL of the server and accepts the token: with `initialize`, after which the session is
 * ended, or with `server/discover` if the server has only revision 2026-07-28, or on an event stream of revision 2024-11-05. Calls
 * no tool. Throws a CredenceError of the leg `call` that says what answered instead.
 */
export async function probeMcp(context: ProbeContext): Promise<Spoken> {
  const first = await initialize(context);
  const session = first.reply.headers.get('mcp-session-id');
  try {
    if ('result' in (first.reply.message ?? {})) return await afterInitialize(context, first, session);
    const spoken = (await discover(context, first)) ?? (await overEventStream(context, first));
    if (spoken) return spoken;
    throw notMcp(context.server, first, context.secrets());
  } finally {
    if (session !== null) await endSession(context, first, session);
  }
}

async function initialize(context: ProbeContext): Promise<Asked> {
  const [newest] = SESSION_REVISIONS;
  const first = await ask(context, 'initialize', initializeParams(context, newest));
  const offered = revisionsIn(first.reply);
  const common = SESSION_REVISIONS.find((revision) => offered?.includes(revision));
  if (common === undefined || common === newest) return first;
  return ask(context, 'initialize', initializeParams(context, common));
}

function initializeParams(context: ProbeContext, protocolVersion: string): JsonObject {
  return { protocolVersion, capabilities: capabilities(context), clientInfo: CLIENT_INFO };
}

/** What `connectMcp` declares too. A server may answer a client without the extension differently. */
function capabilities({ server }: ProbeContext): JsonObject {
  return server.flow === 'enterprise-managed' ? { extensions: { [EXTENSION_EMA]: {} } } : {};
}

async function afterInitialize(context: ProbeContext, asked: Asked, session: string | null): Promise<Spoken> {
  const revision = revisionOf(asked.reply);
  if (revision === undefined || !/^\d{4}-\d{2}-\d{2}$/u.test(revision)) {
    throw notMcp(context.server, asked, context.secrets());
  }
  if (!SESSION_REVISIONS.some((known) => known === revision)) {
    const spoken = await discover(context, asked);
    if (spoken) return spoken;
    throw unsupportedRevision(context.server, [revision]);
  }
  const wrong = wrongMember(asked.reply.message?.['result']);
  if (wrong !== undefined) throw wrongResult(context.server, asked, wrong, context.secrets());
  await confirm(context, asked.url, session, revision);
  return { revision };
}

/** The `protocolVersion` of the result of `initialize`. */
function revisionOf({ message }: Pick<RpcReply, 'message'>): string | undefined {
  const result = message?.['result'];
  return isJsonObject(result) ? stringField(result, 'protocolVersion') : undefined;
}

/** Sends `notifications/initialized`, as a client does: a server can lose a session at once, for example behind a load balancer. */
async function confirm(context: ProbeContext, url: URL, session: string | null, revision: string): Promise<void> {
  const method = 'notifications/initialized';
  const headers = { 'mcp-protocol-version': revision, 'mcp-session-id': session ?? undefined };
  const { response } = await post(context, { url, headers, message: { jsonrpc: '2.0', method } });
  const reply = response.ok ? await acceptance(context, response) : await read(context, response);
  if (reply !== undefined) throw notMcp(context.server, { method, reply }, context.secrets());
}

/** The start of the response to a notification, if it shows that the server did not accept the notification. A body that does not end, or that breaks, is not read by the SDKs either. */
async function acceptance(context: ProbeContext, response: Response): Promise<RpcReply | undefined> {
  const limit = timeLimit(context.signal, ACCEPTANCE_MS);
  try {
    return await waitFor(readAcceptance(response), limit.signal);
  } catch (error) {
    if (context.signal.aborted) throw error;
    return undefined;
  } finally {
    limit.clear();
  }
}

/** Ends the session. A server may refuse this with 405 (MCP 2025-11-25, Streamable HTTP), so the response is ignored. */
async function endSession(context: ProbeContext, { url, reply }: Asked, session: string): Promise<void> {
  const headers = messageHeaders({ 'mcp-protocol-version': revisionOf(reply), 'mcp-session-id': session });
  headers.delete('content-type');
  const limit = timeLimit(context.signal, END_SESSION_MS);
  try {
    // A fetch that ignores its signal must not delay the report.
    const ended = context.fetchOnce(url, { method: 'DELETE', headers, signal: limit.signal });
    const response = await waitFor(ended, limit.signal);
    await response.body?.cancel();
  } catch {
    // The server ends the session itself after some time.
  } finally {
    limit.clear();
  }
}

/** A signal that aborts with `signal` or after `ms` milliseconds. */
function timeLimit(signal: AbortSignal, ms: number): { signal: AbortSignal; passed: () => boolean; clear: () => void } {
  const stop = linkedSignal([signal]);
  let passed = false;
  const timer = setTimeout(() => {
    passed = true;
    stop.abort(undefined);
  }, ms);
  return {
    signal: stop.signal,
    passed: () => passed,
    clear() {
      clearTimeout(timer);
      stop.unlink();
      // Closes a stream that is still open.
      stop.abort(undefined);
    },
  };
}

/**
 * The stateless request of revision 2026-07-28, if the response to `initialize` is a JSON-RPC error or a bare 400. Undefined if the
 * server does not know the request: the verdict is then that of `initialize`.
 */
async function discover(context: ProbeContext, first: Asked): Promise<Spoken | undefined> {
  const { reply } = first;
  if (reply.message === undefined && reply.status !== 400) return undefined;
  const asked = await quietly(context, async () =>
    ask(
      context,
      'server/discover',
      {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
          'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
          'io.modelcontextprotocol/clientCapabilities': capabilities(context),
        },
      },
      { 'mcp-protocol-version': STATELESS_REVISION, 'mcp-method': 'server/discover' },
    ),
  );
  const result = asked?.reply.message?.['result'];
  const listed = isJsonObject(result) ? (stringList(result['supportedVersions']) ?? []) : [];
  if (listed.includes(STATELESS_REVISION)) return { revision: STATELESS_REVISION };
  const supported = [...listed, ...((asked && revisionsIn(asked.reply)) ?? []), ...(revisionsIn(reply) ?? [])];
  const isKnown = (revision: string) =>
    revision === STATELESS_REVISION || SESSION_REVISIONS.some((known) => known === revision);
  if (supported.length > 0 && !supported.some(isKnown)) throw unsupportedRevision(context.server, supported);
  return undefined;
}

/** The revisions that an error about the protocol version lists as supported. */
function revisionsIn({ message }: RpcReply): readonly string[] | undefined {
  const error = message?.['error'];
  const data = isJsonObject(error) ? error['data'] : undefined;
  const listed = isJsonObject(data) ? stringList(data['supported']) : undefined;
  return listed?.filter((revision) => /^[\w.-]{1,30}$/u.test(revision)).slice(0, 20);
}

/**
 * The HTTP+SSE transport of revision 2024-11-05: a GET opens an event stream, whose first event names the URL for messages. Tried
 * if the URL accepts no POST. Undefined if there is no such stream.
 */
async function overEventStream(context: ProbeContext, first: Asked): Promise<Spoken | undefined> {
  const { server, signal, totalMs } = context;
  if (first.reply.message !== undefined || ![404, 405].includes(first.reply.status)) return undefined;
  // A stream that is opened and never names the URL for messages is not this transport.
  const limit = timeLimit(signal, totalMs / 4);
  try {
    context.onMessage('GET');
    const opened = await quietly(context, async () =>
      context.fetch(first.url, { headers: { accept: 'text/event-stream' }, signal: limit.signal }),
    );
    if (opened?.ok !== true || !/^text\/event-stream\b/iu.test(opened.headers.get('content-type') ?? '')) {
      await opened?.body?.cancel().catch(() => undefined);
      return undefined;
    }
    const events = eventsIn(opened.body, MAX_STREAM_BYTES);
    const { value: endpoint } = await events.next();
    if (endpoint?.type !== 'endpoint' || parsedUrl(endpoint.data, first.url.href) === undefined) return undefined;
    const url = new URL(endpoint.data, first.url);
    if (url.origin !== server.url.origin) return undefined;
    const asked = await initializeOverStream(context, url, events, limit.signal);
    const revision = revisionOf(asked.reply);
    if (revision === undefined) throw notMcp(server, asked, context.secrets());
    context.warn(
      `Server "${server.name}" has only the HTTP+SSE transport of revision 2024-11-05.`,
      `Connect with the transport 'sse', and ask the owner of server "${server.name}" for Streamable HTTP.`,
    );
    return { revision };
  } catch (error) {
    if (limit.passed() || error instanceof TooManyBytesError) return undefined;
    if (isCredenceError(error) || signal.aborted) throw error;
    throw streamBroken(server, error);
  } finally {
    limit.clear();
  }
}

/** Sends `initialize` to the URL for messages, and reads its response from the stream. */
async function initializeOverStream(
  context: ProbeContext,
  url: URL,
  events: AsyncIterable<StreamEvent>,
  signal: AbortSignal,
): Promise<Asked> {
  const method = 'initialize';
  const params = initializeParams(context, '2024-11-05');
  context.onMessage(method);
  const response = await context.fetch(url, {
    method: 'POST',
    headers: messageHeaders(),
    body: JSON.stringify({ jsonrpc: '2.0', id: REQUEST_ID, method, params }),
    signal,
  });
  const reply = await readReply(response, REQUEST_ID);
  if (!response.ok) return { method, url, reply };
  for await (const event of events) {
    const { message } = responseIn(jsonOf(event.data), REQUEST_ID);
    if (message) return { method, url, reply: { ...reply, message, flaw: undefined, text: event.data } };
  }
  return { method, url, reply: { ...reply, flaw: 'no event' } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The result of `request`, or undefined for a refusal of it: the verdict is then that of an earlier request. */
async function quietly<T>(context: ProbeContext, request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (context.signal.aborted || !isCredenceError(error)) throw error;
    return undefined;
  }
}

/** Sends a request and reads its response. */
async function ask(
  context: ProbeContext,
  method: string,
  params: JsonObject,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const { server, warn } = context;
  const message = { jsonrpc: '2.0', id: REQUEST_ID, method, params };
  const { response, url } = await post(context, { url: server.url, headers, message });
  const reply = await read(context, response);
  if (url.href !== server.url.href && reply.message) {
    warn(
      `Server "${server.name}" redirects each request to another path of its origin.`,
      `Set servers.${server.name}.url to the URL in the next steps, which saves a request for each call.`,
    );
  }
  return { method, url, reply };
}

/**
 * Sends a message. Follows redirects as the transports of the SDKs do: within the origin, and only if the method stays the same.
 * Returns the response with the URL that sent it.
 */
async function post(
  context: ProbeContext,
  sending: {
    url: URL;
    headers: Readonly<Record<string, string | undefined>>;
    message: JsonObject & { method: string };
  },
): Promise<{ response: Response; url: URL }> {
  const { server, signal } = context;
  const init = {
    method: 'POST',
    headers: messageHeaders(sending.headers),
    body: JSON.stringify(sending.message),
    signal,
  };
  let { url } = sending;
  for (let hops = 0; ; hops += 1) {
    context.onMessage(sending.message.method);
    const response = await context.fetch(url, init);
    const { status } = response;
    if (status < 300 || status >= 400) return { response, url };
    await response.body?.cancel().catch(() => undefined);
    const location = response.headers.get('location') ?? '';
    const target = location === '' ? undefined : parsedUrl(location, url.href);
    const isFollowed = target?.origin === server.url.origin && SAME_METHOD_REDIRECTS.has(status) && hops < MAX_HOPS;
    if (!target || !isFollowed) throw redirected(server, { status, target });
    url = target;
  }
}

async function read({ server, signal }: ProbeContext, response: Response): Promise<RpcReply> {
  try {
    return await readReply(response, REQUEST_ID);
  } catch (error) {
    if (signal.aborted || isCredenceError(error)) throw error;
    throw streamBroken(server, error);
  }
}

function messageHeaders(more: Readonly<Record<string, string | undefined>> = {}): Headers {
  const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' });
  for (const [name, value] of Object.entries(more)) if (value !== undefined) headers.set(name, value);
  return headers;
}
