import { credenceErrorIn, isCredenceError } from '@credence/core';
import { waitFor } from '@credence/protocol';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { serverFailure, toolsClosed } from '../failures/server-failure.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import type { Connect, Connection, Params, ToolClient } from './connection.ts';
import { Link } from './link.ts';

/**
 * The client that LangChain's tools use. The client replaces its connection when the connection has ended or the server has
 * forgotten the session, once for all callers. Calls that failed because of a forgotten session did not run and are sent
 * once more. No other call is sent twice.
 *
 * A refusal is thrown as a CredenceError by `listTools`. The other methods throw a ToolRefused with the CredenceError as its
 * `cause`, because mcp-adapters passes on only that kind of error unchanged.
 */
export class McpFacade implements ToolClient {
  readonly #server: string;
  readonly #connect: Connect;
  readonly #open = new Set<Link>();
  readonly #closing = new AbortController();
  #link: Promise<Link> | undefined;
  #closed: Promise<void> | undefined;

  constructor(server: string, connect: Connect) {
    this.#server = server;
    this.#connect = connect;
  }

  async listTools(params?: Params<'listTools'>, options?: RequestOptions): Promise<object> {
    return this.#use(options?.signal, (connection) => connection.listTools(params, options));
  }

  async callTool(params: Params<'callTool'>, _schema?: undefined, options?: RequestOptions): Promise<object> {
    return asToolRefused(this.#use(options?.signal, (connection) => connection.callTool(params, options)));
  }

  async readResource(params: Params<'readResource'>, options?: RequestOptions): Promise<object> {
    return asToolRefused(this.#use(options?.signal, (connection) => connection.readResource(params, options)));
  }

  /** Closes every connection, also one that is being opened. Idempotent. Later calls fail with the code `closed`. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#closing.abort(toolsClosed(this.#server));
    await this.#link?.catch(() => undefined);
    await Promise.all([...this.#open].map(async (link) => link.close()));
  }

  async #use<T>(signal: AbortSignal | undefined, send: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const link = await this.#current(signal);
      try {
        return await link.during(send);
      } catch (error) {
        signal?.throwIfAborted();
        const refusal = credenceErrorIn(error);
        if (refusal) throw refusal;
        const fault = link.connection.faultOf(error);
        if (fault === undefined) throw error;
        if (this.#closing.signal.aborted) throw toolsClosed(this.#server);
        if (fault.kind === 'session-lost' || fault.kind === 'closed') this.#retire(link);
        if (fault.kind !== 'session-lost') throw serverFailure(this.#server, fault, error);
      }
    }
    throw serverFailure(this.#server, { kind: 'session-lost' });
  }

  async #current(signal: AbortSignal | undefined): Promise<Link> {
    this.#closing.signal.throwIfAborted();
    this.#link ??= this.#opening();
    return waitFor(this.#link, signal);
  }

  #opening(): Promise<Link> {
    const opening = this.#connect(this.#closing.signal).then((connection) => {
      const link = new Link(connection);
      this.#open.add(link);
      connection.onEnd(() => {
        this.#open.delete(link);
        if (this.#link === opening) this.#link = undefined;
      });
      return link;
    });
    opening.catch(() => {
      if (this.#link === opening) this.#link = undefined;
    });
    return opening;
  }

  /** Several callers can retire the same link. Only the first call removes it, so that a new connection is not removed. */
  #retire(link: Link): void {
    if (!link.retire()) return;
    this.#link = undefined;
  }
}

async function asToolRefused<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw isCredenceError(error) ? new ToolRefused(error) : error;
  }
}
