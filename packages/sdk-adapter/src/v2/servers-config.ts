import type { ServicePrincipal } from '@credence/core';
import {
  checkOptions,
  configsWithFetch,
  type FrameworkWithFetch,
  type MastraServerConfig,
  type McpServerConfig,
  type McpServersConfigOptions,
} from '../shared/servers-config.ts';

const FRAMEWORKS: readonly FrameworkWithFetch[] = ['ai-sdk', 'openai-agents', 'mcp-use', 'mastra'];

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
/** For `@mastra/mcp`, which wants a `URL`. */
export function mcpServersConfig(
  bot: ServicePrincipal,
  options: McpServersConfigOptions & { framework: 'mastra' },
): Record<string, MastraServerConfig>;
export function mcpServersConfig(
  bot: ServicePrincipal,
  options: McpServersConfigOptions & { framework?: FrameworkWithFetch } = {},
): Record<string, McpServerConfig | MastraServerConfig> {
  checkOptions(options, FRAMEWORKS);
  const { framework = 'mcp-use', ...rest } = options;
  return configsWithFetch(bot, framework, rest);
}
