import { type CredenceError, credenceErrorIn, isCredenceError } from '@credence/core';
import { type JsonObject, waitFor } from '@credence/protocol';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { mayHaveLostSession } from '../failures/fault.ts';
import { ServerError } from '../failures/server-error.ts';
import { serverFailure, toolsClosed } from '../failures/server-failure.ts';
import { unusableResponse } from '../failures/unusable-response.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import { answerNotOffered } from '../server-requests/unanswered-request.ts';
import { checkCallHeaders, withCallHeaders } from './call-headers.ts';
import { type CallTime, DEFAULT_CALL_TIME, inTime } from './call-time.ts';
import type { Connect, Connection, ContentClient, ListKind, Params, ToolClient } from './connection.ts';
import { Link } from './link.ts';
import { mayBeRepeated } from './repeatable.ts';

/** A request that the facade sends, and whether it may be sent again when it is not certain that it did not run. */
interface Sending<T> {
  readonly send: (connection: Connection) => Promise<T>;
  readonly repeatable: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Options of a facade. */
export interface FacadeOptions {
  /** The time limits of calls of tools. */
  readonly time?: CallTime;
  /** Called when the last of the pending calls of tools has ended. */
  readonly onIdle?: () => void;
}

/**
 * The client that LangChain's tools use. The client replaces its connection when the connection has ended or the server has lost the
 * session, once for all callers. Calls that failed because of a lost session are sent once more. No other call is sent twice.
 *
 * A refusal is thrown as a CredenceError by the methods for lists and by `content`. `callTool` and `readResource` throw a ToolRefused with the CredenceError as its
 * `cause`, because mcp-adapters passes on only that kind of error unchanged. A JSON-RPC error of the server is thrown as a ServerError.
 */
export class McpFacade implements ToolClient {
  readonly #server: string;
  readonly #connect: Connect;
  readonly #open = new Set<Link>();
  readonly #openings = new Set<Promise<Link>>();
  readonly #closing = new AbortController();
  readonly #definitions = new Map<string, JsonObject>();
  readonly #time: CallTime;
  readonly #onIdle: (() => void) | undefined;
  #calls = 0;
  #link: Promise<Link> | undefined;
  /** The result of `#link`, when it is there. */
  #present: Link | undefined;
  #closed: Promise<void> | undefined;
  /** Ends the opening that is under way. */
  #opener: AbortController | undefined;

  constructor(server: string, connect: Connect, { time = DEFAULT_CALL_TIME, onIdle }: FacadeOptions = {}) {
    this.#server = server;
    this.#connect = connect;
    this.#time = time;
    this.#onIdle = onIdle;
  }

  /** Remembers the definition of a tool, as `listTools` returned it, for calls of this tool. */
  define(tool: string, definition: JsonObject): void {
    this.#definitions.set(tool, definition);
  }

  /** Forgets the definition of a tool that is not called any more. */
  forget(tool: string): void {
    this.#definitions.delete(tool);
  }

  async listTools(params?: Params<'listTools'>, options?: RequestOptions): Promise<object> {
    return this.#use({
      send: (connection) => connection.listTools(params, options),
      repeatable: true,
      signal: options?.signal,
    });
  }

  async callTool(params: Params<'callTool'>, _schema?: undefined, options?: RequestOptions): Promise<object> {
    const definition = this.#definitions.get(params.name);
    this.#calls += 1;
    try {
      return await asToolRefused(
        inTime(this.#server, this.#time, options, async (timed) =>
          this.#use({
            send: (connection) => connection.callTool(params, timed, definition),
            repeatable: mayBeRepeated(definition),
            signal: timed?.signal,
          }),
        ),
      );
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#onIdle?.();
    }
  }

  async readResource(params: Params<'readResource'>, options?: RequestOptions): Promise<object> {
    return asToolRefused(
      this.#use({
        send: (connection) => connection.readResource(params, options),
        repeatable: true,
        signal: options?.signal,
      }),
    );
  }

  /** A client for one call, whose request has additional headers. Throws a ToolRefused for a header that it must not have. */
  async fork(headers: Readonly<Record<string, string>>): Promise<Pick<ToolClient, 'callTool' | 'readResource'>> {
    return asToolRefused(
      Promise.resolve().then(() => {
        checkCallHeaders(this.#server, headers);
        return {
          callTool: async (...call) => withCallHeaders(headers, async () => this.callTool(...call)),
          readResource: this.readResource.bind(this),
        };
      }),
    );
  }

  /** Reads lists, resources and prompts. Each of them may be requested again after a lost session. */
  readonly content: ContentClient = {
    list: async (kind: ListKind, params, options) => this.#read(options, (link) => link.list(kind, params, options)),
    readResource: async (params, options) => this.#read(options, (link) => link.readResource(params, options)),
    getPrompt: async (params, options) => this.#read(options, (link) => link.getPrompt(params, options)),
  };

  async #read<T>(options: RequestOptions | undefined, send: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#use({ send, repeatable: true, signal: options?.signal });
  }

  /** Uses a new connection for later requests. The present one, if it is open, is closed after its pending calls. */
  renew(): void {
    const link = this.#present;
    if (link) this.#retire(link, { endSession: true });
  }

  /** Ends the opening of a connection that is under way, if there is one, with this reason. The next request opens another one. */
  giveUpOpening(reason: CredenceError): void {
    if (!this.#opener) return;
    this.#opener.abort(reason);
    this.#opener = undefined;
    this.#link = undefined;
  }

  /** Closes every connection, also one that is being opened. Idempotent. Later calls fail with the code `closed`. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#closing.abort(toolsClosed(this.#server));
    await Promise.allSettled(this.#openings);
    await Promise.all([...this.#open].map(async (link) => link.close()));
  }

  async #use<T>({ send, repeatable, signal }: Sending<T>): Promise<T> {
    let link = await this.#current(signal);
    // It may have been retired since it was open, and then it is closed already.
    while (link.isRetired) link = await this.#current(signal);
    let mayHaveRun = false;
    try {
      return await link.during(send);
    } catch (error) {
      signal?.throwIfAborted();
      const lost = await this.#lostSession(link, error);
      if (lost === undefined) throw this.#failure(link, error);
      signal?.throwIfAborted();
      this.#retire(link);
      mayHaveRun = lost === 'may have run';
      if (mayHaveRun && !repeatable) throw this.#failure(link, error, { mayHaveRun });
    }
    let next = await this.#current(signal);
    while (next.isRetired) next = await this.#current(signal);
    try {
      return await next.during(send);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#failure(next, error, { mayHaveRun });
    }
  }

  /** Whether a request failed because the server has lost the session, and whether the request can have run nevertheless. */
  async #lostSession(link: Link, error: unknown): Promise<'did not run' | 'may have run' | undefined> {
    if (!link.connection.hasSession) return undefined;
    const refusal = credenceErrorIn(error);
    // Some servers answer 401 to a session that they do not know. If the token is refused, the new session is refused too.
    if (refusal) return refusal.code === 'token_refused' && refusal.contact !== 'you' ? 'did not run' : undefined;
    const fault = link.connection.faultOf(error);
    if (fault?.kind === 'session-lost') return 'did not run';
    // Such a status can also belong to the call alone. A ping in the same session shows the difference.
    return fault && mayHaveLostSession(fault) && (await link.hasLostSession()) ? 'may have run' : undefined;
  }

  /** The error to throw for a request that failed and is not sent again. */
  #failure(link: Link, error: unknown, { mayHaveRun = false } = {}): unknown {
    const refusal = credenceErrorIn(error);
    if (refusal) return refusal;
    const fault = link.connection.faultOf(error);
    if (fault === undefined) return unusableResponse(this.#server, error);
    if (fault.kind === 'rpc-error') return new ServerError(fault);
    if (fault.kind === 'no-answer') return answerNotOffered(this.#server);
    if (this.#closing.signal.aborted) return toolsClosed(this.#server);
    if (fault.kind === 'session-lost' || fault.kind === 'closed') this.#retire(link);
    return serverFailure(this.#server, fault, error, { mayHaveRun });
  }

  async #current(signal: AbortSignal | undefined): Promise<Link> {
    this.#closing.signal.throwIfAborted();
    this.#link ??= this.#opening();
    return waitFor(this.#link, signal);
  }

  #opening(): Promise<Link> {
    const opener = new AbortController();
    const abort = () => opener.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', abort, { once: true });
    this.#opener = opener;
    const settled = () => {
      this.#closing.signal.removeEventListener('abort', abort);
      if (this.#opener === opener) this.#opener = undefined;
    };
    const opening = this.#connect(opener.signal).then((connection) => {
      settled();
      const link = new Link(connection);
      this.#open.add(link);
      this.#present = link;
      connection.onEnd(() => {
        this.#open.delete(link);
        if (this.#link === opening) this.#link = undefined;
        if (this.#present === link) this.#present = undefined;
      });
      return link;
    });
    this.#openings.add(opening);
    opening.then(
      () => this.#openings.delete(opening),
      () => {
        settled();
        this.#openings.delete(opening);
        if (this.#link === opening) this.#link = undefined;
      },
    );
    return opening;
  }

  /** Several callers can retire the same link. A connection that has replaced it stays. */
  #retire(link: Link, options?: { endSession: boolean }): void {
    if (!link.retire(options) || this.#present !== link) return;
    this.#link = undefined;
    this.#present = undefined;
  }
}

async function asToolRefused<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isCredenceError(error) ? new ToolRefused(error) : error;
  }
}
