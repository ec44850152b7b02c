import { CredenceError } from '@credence/core';
import { cleanText } from '@credence/protocol';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { ServerContent } from '../content/server-content.ts';
import { toolsClosed } from '../failures/server-failure.ts';
import type { ServerFailure } from '../loaded-tools.ts';
import type { ListChange } from './held-tools.ts';
import type { ServerContext } from './server-connection.ts';
import { ServerTools } from './server-tools.ts';
import { callSafely } from './call-safely.ts';
import { wantedServers } from './wanted-servers.ts';

/** The longest wait of `reload` if `deadlineMs` is 0. */
const RELOAD_MS = 30_000;

/** The tools of several servers, which change over time. */
export class ToolSet {
  /** By the configured name, in the order in which they were given. */
  readonly servers = new Map<string, ServerTools>();
  readonly #context: ServerContext;
  /** The servers that are not configured. */
  readonly #unknown: ServerFailure[] = [];
  /** Whether the caller has the tools, so that later changes are reported. */
  #isLoaded = false;
  #closed: Promise<void> | undefined;

  constructor(servers: readonly (string | URL)[], context: ServerContext) {
    this.#context = context;
    for (const [server, error] of wantedServers(context.bot, servers)) {
      if (error) this.#unknown.push({ server, error, loaded: 0 });
      else this.servers.set(server, new ServerTools(server, context, (change) => this.#changed(server, change)));
    }
  }

  get tools(): DynamicStructuredTool[] {
    return [...this.servers.values()].flatMap(({ tools }) => tools);
  }

  /** The tools of these servers, or of all. Throws `unknown_server`. */
  toolsOf(servers: readonly (string | URL)[]): DynamicStructuredTool[] {
    return servers.length === 0 ? this.tools : servers.flatMap((server) => this.#named(server).tools);
  }

  get failures(): ServerFailure[] {
    return [...this.#unknown, ...[...this.servers.values()].flatMap(({ failures }) => failures)];
  }

  /** Connects to all servers at the same time, and waits until all have answered or failed, or until the deadline. */
  async load(): Promise<void> {
    const reading = [...this.servers.values()].map(async (server) => server.read());
    await withinMs(this.#context.settings.deadlineMs, reading);
    this.#isLoaded = true;
  }

  /** Reads the lists again, and waits as `load` does, or 30 seconds if `load` does not wait. */
  async reload(servers?: readonly (string | URL)[]): Promise<void> {
    if (this.#closed) throw toolsClosed(this.servers.keys().next().value);
    const wanted = servers?.map((server) => this.#named(server)) ?? [...this.servers.values()];
    const reading = wanted.map(async (server) => server.readNow());
    await withinMs(this.#context.settings.deadlineMs || RELOAD_MS, reading);
  }

  /** The content of one server. Throws `unknown_server`, and `closed`. */
  of(server: string | URL): ServerContent {
    if (this.#closed) throw toolsClosed(this.servers.keys().next().value);
    return this.#named(server).content;
  }

  /** The content of all servers. Throws `closed`. */
  all(): readonly ServerContent[] {
    if (this.#closed) throw toolsClosed(this.servers.keys().next().value);
    return [...this.servers.values()].map(({ content }) => content);
  }

  async close(): Promise<void> {
    this.#closed ??= Promise.all([...this.servers.values()].map(async (server) => server.close())).then(
      () => undefined,
    );
    return this.#closed;
  }

  #changed(server: string, { joined, changed, left }: ListChange): void {
    const { bot, settings } = this.#context;
    if (!this.#isLoaded || this.#closed || !settings.onChanged) return;
    const report = () => {
      bot.warn(server, {
        leg: 'configure',
        message: 'The function onChanged of loadTools threw an error. The tools are not affected.',
        remedy: 'Correct the function: it must not throw.',
      });
    };
    callSafely(settings.onChanged, { server, joined, changed, left, failures: this.failures }, report);
  }

  #named(nameOrUrl: string | URL): ServerTools {
    const { name } = this.#context.bot.server(nameOrUrl);
    const server = this.servers.get(name);
    if (server) return server;
    throw new CredenceError({
      code: 'unknown_server',
      leg: 'configure',
      message: `The server "${cleanText(name, { max: 120 })}" is not one of these tools.`,
      remedy: 'Name it in the second parameter of loadTools.',
      contact: 'you',
      server: name,
    });
  }
}

/** Waits until all have ended, or until the time has passed. What has not ended by then goes on. */
async function withinMs(ms: number, readings: readonly Promise<void>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([deadline, Promise.all(readings)]);
  clearTimeout(timer);
}
