import { CredenceError, type ServicePrincipal } from '@credence/core';
import { cleanText, within } from '@credence/protocol';
import { isList, isMembers, type JsonMembers } from '../schema/json-value.ts';
import { isRequestId, type RequestId, type SentMessages } from './sent-messages.ts';

/** How much of a body is read for its text, in bytes, and in UTF-16 code units. */
const MAX_START = 8_192;
const MAX_START_MS = 500;
const EMPTY = 'an empty body';
const TOKEN_MS = 100;

/** The requests of a transport that have no response yet. */
interface Unanswered {
  has(id: RequestId): boolean;
  /** Forgets requests that fail by the error of their response. */
  forget(ids: readonly RequestId[]): void;
  /** Ends requests for which the SDK would wait until their time limit. */
  end(refusal: CredenceError, ids: readonly RequestId[]): void;
}

/**
 * Checks the responses of a server that speaks Streamable HTTP before the SDK reads them. The SDKs report what is no response of MCP by
 * the error of their schema or of `JSON.parse`, without the server and without its words, or wait until the time limit of the request.
 */
export class Replies {
  readonly #bot: ServicePrincipal;
  readonly #server: string;

  constructor(bot: ServicePrincipal, server: string) {
    this.#bot = bot;
    this.#server = server;
  }

  /** The response, whose body is checked when it is read. Throws a CredenceError if the SDK would not read it. */
  async checked(response: Response, sent: SentMessages, unanswered: Unanswered): Promise<Response> {
    // 202 has no body: over HTTP+SSE, and from some servers, the response arrives in the stream that a GET opened.
    if (sent.ids.length === 0 || !response.ok || response.status === 202) return response;
    const type = mediaTypeOf(response);
    if (type === 'text/event-stream') return this.#checkedStream(response, sent, unanswered);
    if (type !== 'application/json') {
      const text = await startOf(response);
      throw await this.#notMcp(response, text.trim() === '' ? EMPTY : whatIs(type), text);
    }
    // Only this method is replaced, so that the body is parsed once.
    return Object.defineProperty(response, 'json', {
      configurable: true,
      value: async () => {
        const text = await response.text();
        const { value, what } = readReply(text, sent);
        if (what === undefined) return value;
        unanswered.forget(sent.ids);
        throw await this.#notMcp(response, what, text);
      },
    });
  }

  /**
   * The response with an event stream that ends its requests if it ends before their responses. A stream that pulls from another one costs
   * less than a TransformStream.
   */
  #checkedStream(response: Response, { answered }: SentMessages, unanswered: Unanswered): Response {
    const reader = answered.length > 0 ? response.body?.getReader() : undefined;
    if (!reader) return response;
    const tail = new Tail();
    const ended = async () => {
      if (tail.hasEventId || !answered.some((id) => unanswered.has(id))) return;
      const { data } = tail;
      const { what = 'an event stream that ended without a response' } = rpcErrorIn(parsed(data));
      unanswered.end(await this.#notMcp(response, what, data), answered);
    };
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read();
          if (!done) {
            tail.add(value);
            return controller.enqueue(value);
          }
          controller.close();
          // The SDK reads the last events in the turn in which the stream ends.
          setImmediate(() => void ended());
        },
        cancel: async (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    return Object.defineProperty(response, 'body', { configurable: true, value: body });
  }

  async #notMcp({ status }: Response, what: string, text: string): Promise<CredenceError> {
    const server = this.#server;
    const words = wordsIn(text);
    const secrets = await this.#secrets();
    return new CredenceError({
      code: 'invalid_response',
      leg: 'call',
      message: `Server "${server}" answered a request with ${what}.`,
      remedy: `Check that servers.${server}.url is an MCP endpoint. If it is, ask the owner of server "${server}" about this response. A tool call may have run.`,
      contact: 'server-owner',
      server,
      status,
      peerText: words === undefined ? undefined : cleanText(words, { secrets }),
    });
  }

  /** A server can send back the token of the request. */
  async #secrets(): Promise<readonly string[]> {
    try {
      return [(await within(TOKEN_MS, this.#bot.token(this.#server))).value];
    } catch {
      return [];
    }
  }
}

/** The value for the SDK, or what the body is instead of a response to the requests. */
function readReply(text: string, { ids, probe }: SentMessages): { value?: unknown; what?: string } {
  if (text.trim() === '') return { what: EMPTY };
  const value = parsed(text);
  if (value === undefined) return { what: /^\s*</u.test(text) ? 'HTML' : 'text that is not JSON' };
  const messages = isList(value) ? value : [value];
  const rpcError = messages.map((message) => rpcErrorIn(message)).find(({ what }) => what !== undefined);
  if (rpcError) {
    // A server that does not know the method of the probe can refuse it before it reads the id. The client then sends `initialize`.
    if (probe !== undefined && isMembers(value)) return { value: { ...value, id: probe } };
    return rpcError;
  }
  if (!messages.every(isMessage)) return { what: 'JSON that is not JSON-RPC 2.0' };
  const answers = messages.filter((message) => !('method' in message));
  const isAnswer = ({ id }: JsonMembers) => ids.some((sent) => String(sent) === String(id));
  return answers.some(isAnswer) ? { value } : { what: 'JSON-RPC that is no response to it' };
}

/** What a message is, if it is a JSON-RPC error without the id of a request: JSON-RPC 2.0 section 5 allows the id null. */
function rpcErrorIn(message: unknown): { what?: string } {
  if (!isMembers(message) || !isMembers(message.error) || isRequestId(message.id)) return {};
  const { code } = message.error;
  return Number.isInteger(code) ? { what: `the JSON-RPC error ${String(code)} without the id of the request` } : {};
}

/** Whether both SDKs accept a value as a JSON-RPC message. They accept no other members than these. */
function isMessage(value: unknown): value is JsonMembers {
  if (!isMembers(value) || value.jsonrpc !== '2.0') return false;
  if (typeof value.method === 'string') return true;
  const { jsonrpc: _, id, ...others } = value;
  if (!isRequestId(id) || Object.keys(others).length !== 1) return false;
  const { result, error } = others;
  return isMembers(result) || (isMembers(error) && Number.isInteger(error.code) && typeof error.message === 'string');
}

const ORDINARY_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/octet-stream',
  'application/problem+json',
  'application/xml',
  'text/event-stream',
  'text/plain',
  'text/xml',
]);

/** The media type without its parameters. */
function mediaTypeOf({ headers }: Response): string {
  return (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function whatIs(type: string): string {
  if (type === '') return 'a body without a content type';
  if (type === 'text/html') return 'HTML';
  // Any other media type is text that the server chose.
  return ORDINARY_TYPES.has(type) ? `the content type "${type}"` : 'an unusual content type';
}

/** The end of an event stream. */
class Tail {
  /** Whether an event had an id: the SDK then resumes the stream by GET (MCP 2025-11-25, Streamable HTTP). */
  hasEventId = false;
  #bytes: Buffer = Buffer.from('\n');

  add(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.#bytes, chunk]);
    // JSON in an event contains no line break.
    this.hasEventId ||= bytes.includes('\nid:') || bytes.includes('\rid:');
    this.#bytes = bytes.length > MAX_START ? Buffer.from(bytes.subarray(-MAX_START)) : bytes;
  }

  /** The data of the last event. */
  get data(): string {
    return /(?:^|[\n\r])data: ?([^\n\r]*)[\n\r]*$/u.exec(this.#bytes.toString())?.[1] ?? '';
  }
}

/** The first bytes of a body. The rest is cancelled. */
async function startOf({ body }: Response): Promise<string> {
  const reader = body?.getReader();
  if (!reader) return '';
  const decoder = new TextDecoder();
  let text = '';
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), MAX_START_MS);
  });
  try {
    while (text.length < MAX_START) {
      const next = await Promise.race([reader.read(), timeUp]);
      if (!next || next.done) break;
      text += decoder.decode(next.value, { stream: true });
    }
  } catch {
    // The text before the failure is kept.
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
  return text;
}

/** What a server says in a body: the message of an error, the title of a page, or the start of the text. */
function wordsIn(text: string): string | undefined {
  const value = text.length > MAX_START ? undefined : parsed(text);
  const { error, message, detail, title } = isMembers(value) ? value : {};
  const said = [isMembers(error) ? error.message : error, message, detail, title].find(isText);
  return said ?? /<title[^>]{0,200}>([^<]{1,400})/iu.exec(text.slice(0, MAX_START))?.[1] ?? text.slice(0, MAX_START);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
