import type { ServicePrincipal } from '@credence/core';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import {
  byName,
  checkOptions,
  configsWithFetch,
  CONNECT_TIMEOUT_MS,
  type FrameworkWithFetch,
  type MastraServerConfig,
  type McpServerConfig,
  type McpServersConfigOptions,
} from '../shared/servers-config.ts';
import { mcpAuthProvider } from './auth-provider.ts';

/** One server for `@mastra/mcp` 0.x, which takes no `fetch`, as a member of `servers`. */
export interface Mastra0ServerConfig {
  /** The URL of the server. */
  readonly url: URL;
  /** The bot's auth provider for the server: bearer tokens, no step-up. */
  readonly authProvider: OAuthClientProvider;
  /** The time limit for connecting, in milliseconds. Mastra's default of three seconds can be too short for the first token. */
  readonly connectTimeout: number;
}

const FRAMEWORKS: readonly (FrameworkWithFetch | 'mastra-0')[] = [
  'ai-sdk',
  'openai-agents',
  'mcp-use',
  'mastra',
  'mastra-0',
];

/**
 * The servers of a bot in the form that a framework takes, by name. Each entry has the URL and the fetch of `bot.fetchFor`, so a framework
 * gets new tokens, step-up and DPoP without code of its own. The message of a refusal says whom to ask.
 *
 * Printed as JSON, the result has names and URLs and no secret. Throws `unknown_server`, and `invalid_configuration` for invalid options.
 */
export function mcpServersConfig(
  bot: ServicePrincipal,
  options?: McpServersConfigOptions & { framework?: 'ai-sdk' | 'openai-agents' | 'mcp-use' },
): Record<string, McpServerConfig>;
/** For `@mastra/mcp` 1 and 2, which want a `URL`. */
export function mcpServersConfig(
  bot: ServicePrincipal,
  options: McpServersConfigOptions & { framework: 'mastra' },
): Record<string, MastraServerConfig>;
/** For `@mastra/mcp` 0.x, which takes an auth provider and no fetch: bearer tokens only, and no step-up. */
export function mcpServersConfig(
  bot: ServicePrincipal,
  options: Pick<McpServersConfigOptions, 'servers'> & { framework: 'mastra-0' },
): Record<string, Mastra0ServerConfig>;
export function mcpServersConfig(
  bot: ServicePrincipal,
  options: McpServersConfigOptions & { framework?: FrameworkWithFetch | 'mastra-0' } = {},
): Record<string, McpServerConfig | MastraServerConfig | Mastra0ServerConfig> {
  checkOptions(options, FRAMEWORKS);
  const { framework = 'mcp-use', ...rest } = options;
  if (framework !== 'mastra-0') return configsWithFetch(bot, framework, rest);
  return byName(bot, rest, ({ name, url }) => ({
    url,
    authProvider: mcpAuthProvider(bot, name),
    connectTimeout: CONNECT_TIMEOUT_MS,
  }));
}
