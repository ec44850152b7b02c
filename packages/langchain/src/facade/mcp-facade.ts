import { credenceErrorIn, isCredenceError } from '@credence/core';
import { waitFor } from '@credence/protocol';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { serverFailure, toolsClosed } from '../failures/server-failure.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import type { Connect, Connection, Params, ToolClient } from './connection.ts';
import { Link } from './link.ts';

/**
 * What LangChain's tools hold in place of a client: it outlives its connections. One that has ended, or whose session the
 * server has forgotten, is replaced for the next call that needs it, once for all callers; calls that met a forgotten session
 * never ran and go out once more. Nothing else is sent twice.
 *
 * Refusals are thrown as CredenceErrors: by `listTools` as they are, by the others as the cause of a ToolRefused, the only
 * kind of error mcp-adapters passes on whole.
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

  /** Ends every connection, one that is being opened too. Idempotent; later calls fail with `closed`. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#closing.abort(toolsClosed(this.#server));
    await this.#link?.catch(() => undefined);
    await Promise.all([...this.#open].map(async (link) => link.close()));
  }

  async #use<T>(signal: AbortSignal | undefined, ask: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const link = await this.#current(signal);
      try {
        return await link.during(ask);
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

  /** Callers that met the same end retire the same link: only the first makes room for a new one. */
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
