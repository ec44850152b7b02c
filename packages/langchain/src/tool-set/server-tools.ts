import type { CredenceError, ServicePrincipal } from '@credence/core';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { boundedStreams } from '../facade/bounded-streams.ts';
import { McpFacade } from '../facade/mcp-facade.ts';
import { ToolList } from '../listing/tool-list.ts';
import type { ServerFailure } from '../loaded-tools.ts';
import { approveStepUp } from '../middleware/step-up-approval.ts';
import type { LoadToolsSettings } from '../options.ts';
import { guard } from '../tools/guard.ts';
import { langchainTools } from '../tools/langchain-tools.ts';
import { toolNames } from '../tools/tool-names.ts';
import type { ConnectWithSdk } from './sdk.ts';

/** What the tools of every server of a set share. */
export interface ToolSetContext {
  readonly bot: ServicePrincipal;
  readonly settings: LoadToolsSettings;
  readonly connect: ConnectWithSdk;
}

/** The tools of one server, which are read when `read` is called. */
export class ServerTools {
  readonly server: string;
  /** The client that the tools call. Everything else that goes through the connection of this server uses it too. */
  readonly facade: McpFacade;
  readonly #context: ToolSetContext;
  readonly #list: ToolList;
  #tools: readonly DynamicStructuredTool[] = [];
  #errors: readonly CredenceError[] = [];

  constructor(server: string, context: ToolSetContext) {
    const { bot, settings, connect } = context;
    this.server = server;
    this.#context = context;
    this.#list = new ToolList(server, settings.limits);
    this.facade = new McpFacade(server, async (signal) => {
      // Each connection needs its own fetch: it distinguishes calls by their JSON-RPC ids, which restart on each connection.
      const plain = bot.fetchFor(server, { approveStepUp, repeatsAfterServerError: true });
      const fetch = boundedStreams(this.#list.counting(plain));
      return connect({ bot, server, fetch, timeoutMs: settings.connectTimeoutMs }, signal);
    });
  }

  /** The present tools, in the order of the server. */
  get tools(): readonly DynamicStructuredTool[] {
    return this.#tools;
  }

  get failures(): readonly ServerFailure[] {
    return this.#errors.map((error) => ({ server: this.server, error, loaded: this.#tools.length }));
  }

  /** Connects, and reads the list of tools. Never throws. */
  async read(): Promise<void> {
    const { bot, settings } = this.#context;
    const { server, facade } = this;
    const { toolTimeoutMs, onRefused } = settings;
    const { definitions, failure } = await this.#list.read(facade);
    const converted = await langchainTools(server, facade, definitions, {
      ...(toolTimeoutMs !== undefined && { defaultToolTimeout: toolTimeoutMs }),
    });
    const origins = [...converted.tools.keys()].map((tool) => ({ server, tool }));
    const names = toolNames(origins, bot.serverNames);
    for (const [index, origin] of origins.entries()) {
      const [held, name] = [converted.tools.get(origin.tool), names[index]];
      if (!held || name === undefined) continue;
      facade.define(origin.tool, held.definition);
      guard(held.tool, origin, name, onRefused);
    }
    this.#tools = [...converted.tools.values()].map(({ tool }) => tool);
    this.#errors = [...(failure ? [failure] : []), ...converted.failures];
    if (this.#tools.length === 0) await facade.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.facade.close().catch(() => undefined);
  }
}
