import { isLoopback } from '@credence/protocol';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { invalidConfiguration } from '../invalid-configuration.ts';
import { BUILT_IN_SERVERS } from '../servers/built-in.ts';
import type { SandboxTool } from '../servers/sandbox-tool.ts';
import { SERVER_NAMES } from '../principals/seed.ts';
import { checkServerName, checkVariables } from './names.ts';
import type { SandboxMcpSource } from './options.ts';
import type { SandboxServer, ServerSource, WorldServer } from './server.ts';

/** The only scope of a server that names none. */
const ONLY_SCOPE = 'mcp:use';
const SOURCES = 'tools (a list), mcpServer, module and url';

/** The three servers that the sandbox has by default. */
export function builtInServers(): readonly WorldServer[] {
  return SERVER_NAMES.map((name) => {
    const { scopes, ...rest } = BUILT_IN_SERVERS[name];
    const [challengeScope] = scopes;
    return { ...rest, name, scopes, challengeScope, toolScopes: undefined, source: { kind: 'built-in', name } };
  });
}

/** @throws CredenceError `invalid_configuration` for a server that has no source or several, or contradictory scopes. */
export function ownServers(
  given: Readonly<Record<string, SandboxServer>> | undefined,
  fallback: SandboxMcpSource | undefined,
): readonly WorldServer[] {
  const entries = Object.entries(given ?? { mcp: {} });
  if (entries.length === 0)
    throw invalidConfiguration('The option servers of startSandbox is empty.', 'Name a server.');
  const servers = entries.map(([name, server]) => ownServer(name, server, fallback));
  checkVariables(servers.map(({ name }) => name));
  if (given !== undefined && fallback !== undefined && entries.every(([, server]) => ownSources(server).length > 0)) {
    throw invalidConfiguration(
      'The option mcpServer of startSandbox has no effect, because each entry of servers says what its server is.',
      'Remove mcpServer, or the source of one of the servers.',
    );
  }
  return servers;
}

function ownServer(name: string, server: SandboxServer, fallback: SandboxMcpSource | undefined): WorldServer {
  const { authorizationServer = 'main', title, instructions } = server;
  checkServerName('server', name);
  checkServerName('authorization server', authorizationServer);
  const source = sourceOf(name, server, fallback);
  if (source.kind !== 'tools' && (title !== undefined || instructions !== undefined)) {
    throw invalidConfiguration(
      `The server "${name}" has title or instructions, and its MCP server says both itself.`,
      'Set them in the MCP server. They are for a list of tools.',
    );
  }
  const toolScopes = toolScopesOf(server.tools);
  const scopes = scopesOf(name, server.scopes, toolScopes);
  const { challengeScope = scopes[0] ?? ONLY_SCOPE } = server;
  if (!scopes.includes(challengeScope)) {
    throw invalidConfiguration(
      `The challengeScope "${challengeScope}" of the server "${name}" is not one of its scopes.`,
      `Its scopes are: ${scopes.join(' ')}.`,
    );
  }
  return { name, title, instructions, authorizationServer, scopes, challengeScope, toolScopes, source };
}

function ownSources({ tools, mcpServer, module, url }: SandboxServer): readonly unknown[] {
  return [isList(tools) ? tools : undefined, mcpServer, module, url].filter((source) => source !== undefined);
}

function sourceOf(name: string, server: SandboxServer, fallback: SandboxMcpSource | undefined): ServerSource {
  const { tools, mcpServer, module, url, gate } = server;
  const count = ownSources(server).length;
  if (count > 1) {
    throw invalidConfiguration(`The server "${name}" has more than one of ${SOURCES}.`, 'Keep one of them.');
  }
  const target = url ?? (count === 0 && isUrl(fallback) ? fallback : undefined);
  if (gate !== undefined && target === undefined) {
    throw invalidConfiguration(
      `The server "${name}" has a gate and no url.`,
      'Remove gate. It is for servers with a url.',
    );
  }
  if (isList(tools)) return { kind: 'tools', tools: withoutDuplicates(name, tools) };
  if (module !== undefined) return { kind: 'module', url: moduleUrl(name, module) };
  if (target !== undefined) {
    const checked = loopbackUrl(name, target);
    return gate === 'own' ? { kind: 'direct', url: String(target) } : { kind: 'forward', url: checked };
  }
  const own = mcpServer ?? (isUrl(fallback) ? undefined : fallback);
  if (own !== undefined) return { kind: 'mcp-server', mcpServer: own };
  throw invalidConfiguration(
    `The server "${name}" has none of ${SOURCES}.`,
    'Say with one of them what the server is.',
  );
}

function withoutDuplicates(name: string, tools: readonly SandboxTool[]): readonly SandboxTool[] {
  const twice = tools.find((tool, at) => tools.findIndex((other) => other.name === tool.name) !== at);
  if (twice === undefined) return tools;
  throw invalidConfiguration(`The server "${name}" has two tools "${twice.name}".`, 'Rename one of them.');
}

function toolScopesOf(tools: SandboxServer['tools']): WorldServer['toolScopes'] {
  if (tools === undefined) return undefined;
  if (isList(tools)) return Object.fromEntries(tools.map((tool) => [tool.name, tool.scopes]));
  return Object.fromEntries(
    Object.entries(tools).map(([name, scope]) => [name, typeof scope === 'string' ? [scope] : scope]),
  );
}

function scopesOf(
  name: string,
  given: readonly string[] | undefined,
  toolScopes: WorldServer['toolScopes'],
): readonly string[] {
  const ofTools = [...new Set(Object.values(toolScopes ?? {}).flat())];
  if (given === undefined) return ofTools.length === 0 ? [ONLY_SCOPE] : ofTools;
  const missing = ofTools.filter((scope) => !given.includes(scope));
  if (missing.length === 0) return [...new Set(given)];
  throw invalidConfiguration(
    `The tools of the server "${name}" need ${missing.join(' ')}, which is not in its scopes.`,
    'Add it to scopes, or leave scopes out.',
  );
}

function loopbackUrl(name: string, given: string | URL): URL {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined;
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url !== undefined && isHttp && isLoopback(url.hostname) && url.hash === '' && url.username === '') return url;
  throw invalidConfiguration(
    `The url of the server "${name}" is not the URL of a server on this machine.`,
    'Use an http URL of 127.0.0.1, such as http://127.0.0.1:3000/mcp. The sandbox uses loopback only.',
  );
}

function moduleUrl(name: string, given: string | URL): URL {
  const text = String(given);
  if (!text.startsWith('file:')) {
    if (given instanceof URL || /^[a-z][a-z\d+.-]+:\/\//iu.test(text)) {
      throw invalidConfiguration(
        `The module of the server "${name}" is not a file.`,
        'Use a path, or a file: URL such as new URL("./server.js", import.meta.url).',
      );
    }
    return pathToFileURL(resolve(text));
  }
  return new URL(text);
}

function isUrl(source: SandboxMcpSource | undefined): source is string | URL {
  return typeof source === 'string' || source instanceof URL;
}

function isList(tools: SandboxServer['tools']): tools is readonly SandboxTool[] {
  return Array.isArray(tools);
}
