import { isJsonObject, type JsonObject } from '@credence/protocol';
import type { BaseMessage } from '@langchain/core/messages';
import type { ContentClient, ListKind } from '../facade/connection.ts';
import type { ToolListLimits } from '../listing/limits.ts';
import type { ServerFailure } from '../failures/failed-server.ts';
import { contentFailure, invalidParameter, unusableEntries } from './content-failures.ts';
import { isKey } from './listed-items.ts';
import { promptMessages } from './prompt-messages.ts';
import { readItems } from './read-items.ts';
import type { ContentOptions, ResourceContent } from './types.ts';

/** Options of the content of a server. */
export interface ServerContentSettings {
  readonly limits: Required<ToolListLimits>;
  /** The time limit for a resource or a prompt, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** The resources and prompts of one server. */
export class ServerContent {
  readonly #server: string;
  readonly #client: ContentClient;
  readonly #settings: ServerContentSettings;

  constructor(server: string, client: ContentClient, settings: ServerContentSettings) {
    this.#server = server;
    this.#client = client;
    this.#settings = settings;
  }

  /** Reads a list. `convert` returns undefined for an entry that is left out. Throws only the reason of the signal. */
  async list<Entry>(
    kind: ListKind,
    convert: (server: string, item: JsonObject) => Entry | undefined,
    { signal }: ContentOptions,
  ): Promise<{ entries: readonly Entry[]; failures: readonly ServerFailure[] }> {
    const server = this.#server;
    const { limits } = this.#settings;
    const { items, failure } = await readItems(server, kind, this.#client, { limits, signal });
    const entries = items.map((item) => convert(server, item)).filter((entry) => entry !== undefined);
    const unusable = items.length - entries.length;
    const errors = [...(failure ? [failure] : []), ...(unusable > 0 ? [unusableEntries(server, kind, unusable)] : [])];
    return { entries, failures: errors.map((error) => ({ server, error, loaded: entries.length })) };
  }

  /** Reads a resource. Throws a CredenceError. */
  async readResource(uri: string, options: ContentOptions): Promise<ResourceContent[]> {
    if (!isKey(uri)) throw invalidParameter(this.#server, 'The URI of a resource is not a text that can be sent');
    const { contents } = await this.#answer(options, (request) => this.#client.readResource({ uri }, request));
    return (Array.isArray(contents) ? contents : []).filter(isJsonObject).map(resourceContent);
  }

  /** Gets the messages of a prompt. Throws a CredenceError. */
  async prompt(
    name: string,
    args: Readonly<Record<string, string>> | undefined,
    options: ContentOptions,
  ): Promise<BaseMessage[]> {
    if (!isKey(name)) throw invalidParameter(this.#server, 'The name of a prompt is not a text that can be sent');
    if (args !== undefined && !Object.values(args).every((value) => typeof value === 'string')) {
      throw invalidParameter(this.#server, 'An argument of a prompt is not a string');
    }
    const params = { name, ...(args && { arguments: { ...args } }) };
    return promptMessages(await this.#answer(options, (request) => this.#client.getPrompt(params, request)));
  }

  async #answer(
    { signal }: ContentOptions,
    send: (request: { signal?: AbortSignal; timeout?: number }) => Promise<object>,
  ): Promise<JsonObject> {
    signal?.throwIfAborted();
    // A signal of its own, because SDK v1 never removes its listener.
    const stop = new AbortController();
    const abort = () => stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const { timeoutMs } = this.#settings;
    try {
      const answer = await send({ signal: stop.signal, ...(timeoutMs !== undefined && { timeout: timeoutMs }) });
      return isJsonObject(answer) ? answer : {};
    } catch (error) {
      signal?.throwIfAborted();
      throw contentFailure(this.#server, error);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

function resourceContent({ uri, mimeType, text, blob }: JsonObject): ResourceContent {
  return {
    uri: typeof uri === 'string' ? uri : '',
    ...(typeof mimeType === 'string' && { mimeType }),
    ...(typeof text === 'string' ? { text } : typeof blob === 'string' && { blob }),
  };
}
