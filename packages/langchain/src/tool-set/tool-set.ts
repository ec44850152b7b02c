import { CredenceError, type ServicePrincipal } from '@credence/core';
import { cleanText } from '@credence/protocol';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { toolsClosed } from '../failures/server-failure.ts';
import type { ServerFailure } from '../loaded-tools.ts';
import { ServerTools, type ToolSetContext } from './server-tools.ts';
import { wantedServers } from './wanted-servers.ts';

/** The tools of several servers. */
export class ToolSet {
  /** By the configured name, in the order in which they were given. */
  readonly servers = new Map<string, ServerTools>();
  readonly #bot: ServicePrincipal;
  /** The servers that are not configured. */
  readonly #unknown: ServerFailure[] = [];
  #closed: Promise<void> | undefined;

  constructor(servers: readonly (string | URL)[], context: ToolSetContext) {
    this.#bot = context.bot;
    for (const [server, error] of wantedServers(context.bot, servers)) {
      if (error) this.#unknown.push({ server, error, loaded: 0 });
      else this.servers.set(server, new ServerTools(server, context));
    }
  }

  get tools(): DynamicStructuredTool[] {
    return [...this.servers.values()].flatMap(({ tools }) => tools);
  }

  get failures(): ServerFailure[] {
    return [...this.#unknown, ...[...this.servers.values()].flatMap(({ failures }) => failures)];
  }

  /** Connects to all servers at the same time. */
  async load(): Promise<void> {
    await Promise.all([...this.servers.values()].map(async (server) => server.read()));
  }

  async reload(servers?: readonly (string | URL)[]): Promise<void> {
    const [first] = this.servers.keys();
    if (this.#closed) throw toolsClosed(first ?? '');
    const wanted = servers?.map((server) => this.#named(server)) ?? [...this.servers.values()];
    await Promise.all(wanted.map(async (server) => server.read()));
  }

  async close(): Promise<void> {
    this.#closed ??= Promise.all([...this.servers.values()].map(async (server) => server.close())).then(
      () => undefined,
    );
    return this.#closed;
  }

  #named(nameOrUrl: string | URL): ServerTools {
    const { name } = this.#bot.server(nameOrUrl);
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
