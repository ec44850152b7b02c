import { CredenceError, type FetchForOptions, isCredenceError, type ServicePrincipal } from '@credence/core';
import { PresentedTokens } from './presented-tokens.ts';

/** A fetch that fits the option `fetch` of every framework. */
export type ServerFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * One server for `@ai-sdk/mcp` (as `transport`), `@openai/agents` (as the options of `MCPServerStreamableHttp`) and `mcp-use` (as a
 * member of `mcpServers`). Each of them ignores the members for the others.
 */
export interface McpServerConfig {
  /** The name of the server in the bot's configuration. For `@openai/agents`. */
  readonly name: string;
  /** Streamable HTTP. For `@ai-sdk/mcp`. */
  readonly type: 'http';
  /** Streamable HTTP. For `mcp-use`. */
  readonly transport: 'http';
  /** The URL of the server. */
  readonly url: string;
  /** The bot's fetch for the server. */
  readonly fetch: ServerFetch;
  /** For `mcp-use`: after a refusal it would try the SSE transport, and show the error of that instead of the refusal. */
  readonly disableSseFallback: true;
}

/** One server for `@mastra/mcp` 1 and 2, as a member of `servers`. */
export interface MastraServerConfig {
  /** The URL of the server. */
  readonly url: URL;
  /** The bot's fetch for the server. */
  readonly fetch: ServerFetch;
  /** The time limit for connecting, in milliseconds. Mastra's default of three seconds can be too short for the first token. */
  readonly connectTimeout: number;
}

/** Options of `mcpServersConfig`. */
export interface McpServersConfigOptions extends FetchForOptions {
  /** The names or URLs of the servers. Default: all servers of the bot. */
  servers?: readonly (string | URL)[] | undefined;
}

/** The frameworks that take a `fetch`. Their names are the names of their packages, as far as they fit into one word. */
export type FrameworkWithFetch = 'ai-sdk' | 'openai-agents' | 'mcp-use' | 'mastra';

export const CONNECT_TIMEOUT_MS = 60_000;
/** Each option once: the type makes a missing one an error. */
const KNOWN: Record<keyof McpServersConfigOptions | 'framework', true> = {
  servers: true,
  framework: true,
  approveStepUp: true,
  stepUp: true,
  repeatsAfterServerError: true,
  run: true,
  onToken: true,
};
const OPTIONS = Object.keys(KNOWN);

/** The entries of the servers for a framework that takes a `fetch`, by name. */
export function configsWithFetch(
  bot: ServicePrincipal,
  framework: FrameworkWithFetch,
  options: McpServersConfigOptions,
): Record<string, McpServerConfig | MastraServerConfig> {
  const { servers: _, ...forFetch } = options;
  return byName(bot, options, ({ name, url }) => {
    const fetch = sayingWhomToAsk(new PresentedTokens().removing(bot.fetchFor(name, forFetch)));
    return framework === 'mastra'
      ? { url, fetch, connectTimeout: CONNECT_TIMEOUT_MS }
      : { name, type: 'http', transport: 'http', url: url.href, fetch, disableSseFallback: true };
  });
}

/** An entry for each of the servers. Throws `unknown_server`. */
export function byName<Entry>(
  bot: ServicePrincipal,
  { servers = bot.serverNames }: McpServersConfigOptions,
  entry: (server: { name: string; url: URL }) => Entry,
): Record<string, Entry> {
  return Object.fromEntries(
    servers.map((wanted) => {
      const server = bot.server(wanted);
      return [server.name, entry(server)];
    }),
  );
}

/** Throws `invalid_configuration` for an option that does not exist, an unknown framework, and servers that are no list. */
export function checkOptions(options: object, frameworks: readonly string[]): void {
  const wrong = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (wrong !== undefined) throw invalid(`has no option "${wrong}"`, `Its options are ${OPTIONS.join(', ')}.`);
  if ('framework' in options && !frameworks.some((name) => name === options.framework))
    throw invalid('does not know this framework', `Set framework to one of ${frameworks.join(', ')}.`);
  if ('servers' in options && options.servers !== undefined && !Array.isArray(options.servers))
    throw invalid(
      'needs a list of servers',
      'Set servers to a list of names or URLs, or leave it out for all servers.',
    );
}

function invalid(what: string, remedy: string): CredenceError {
  const message = `mcpServersConfig ${what}.`;
  return new CredenceError({ code: 'invalid_configuration', leg: 'configure', message, remedy, contact: 'you' });
}

/**
 * A framework shows its user only the message of an error. So a refusal gets its summary as message, with what to do and whom to
 * ask. The CredenceError is the `cause`.
 */
function sayingWhomToAsk(fetch: ServerFetch): ServerFetch {
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      throw new Error(error.summary, { cause: error });
    }
  };
}
