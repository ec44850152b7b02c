import { invalidConfiguration } from '../invalid-configuration.ts';
import type { SandboxMcpFactory, SandboxMcpHandler, SandboxMcpServer, WorldServer } from '../world/server.ts';
import { loadModernSdk, type ModernSdk } from './modern-sdk.ts';
import { checkToolNames } from './check-tool-names.ts';
import { warnOfFailure } from './failure-warning.ts';
import { createSessions, type LegacyServer } from './sessions.ts';
import { type McpSource, perRequest } from './source.ts';
import { serveHandler } from './web-handler.ts';

/**
 * A server from the user's factory or handler. The factory is called once here, so that a mistake in it ends the start.
 * @throws CredenceError `invalid_configuration` that names the server.
 */
export async function ownServer(
  { name, toolScopes }: WorldServer,
  own: SandboxMcpFactory | SandboxMcpHandler,
): Promise<McpSource> {
  if (typeof own !== 'function') return { ...handlerSource(own), toolScopes };
  const sdk = await loadModernSdk();
  const first = await created(name, own);
  // what a function that takes no context returns has the same tools for every caller
  if (toolScopes !== undefined && own.length === 0) await checkToolNames(name, Object.keys(toolScopes), first);
  await first.close().catch(() => undefined);
  const seen = new WeakSet([first]);
  const another = (server: SandboxMcpServer): SandboxMcpServer => {
    if (seen.has(server)) throw new Error(`the factory of the server "${name}" returned the same MCP server again`);
    seen.add(server);
    return server;
  };
  if (sdk !== undefined && isModern(sdk, first)) {
    const handler = sdk.createMcpHandler(async (context) => {
      try {
        return modern(sdk, another(await own(context)));
      } catch (error) {
        // the handler answers with an internal error, and tells nobody why
        warnOfFailure(name, error);
        throw error;
      }
    });
    return { ...handlerSource(handler), toolScopes };
  }
  const sessions = createSessions(async (authInfo) =>
    legacy(another(await own({ era: 'legacy', ...(authInfo !== undefined && { authInfo }) }))),
  );
  return { ...sessions, toolScopes, countsToolCalls: false, close: () => Promise.resolve() };
}

/**
 * Imports the module of a server.
 * @throws CredenceError `invalid_configuration` that names the server.
 */
export async function importedServer(name: string, url: URL): Promise<SandboxMcpFactory | SandboxMcpHandler> {
  const loaded: unknown = await import(url.href).catch((error: unknown) => {
    throw invalidConfiguration(
      `The module of the server "${name}" cannot be imported: ${messageOf(error)}`,
      'Correct the path, or the module.',
    );
  });
  const own = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
  if (typeof own === 'function') return own as SandboxMcpFactory;
  if (isHandler(own)) return own;
  throw invalidConfiguration(
    `The default export of the module of the server "${name}" is neither a function nor a handler.`,
    'Export a function that creates an MCP server as default.',
  );
}

function handlerSource(handler: SandboxMcpHandler): Omit<McpSource, 'toolScopes'> {
  return {
    ...perRequest(serveHandler(handler)),
    countsToolCalls: false,
    close: async () => handler.close?.(),
  };
}

async function created(name: string, factory: SandboxMcpFactory): Promise<SandboxMcpServer> {
  let server: unknown;
  try {
    server = await factory({ era: 'legacy' });
  } catch (error) {
    throw invalidConfiguration(
      `The function that creates the MCP server "${name}" threw: ${messageOf(error)}`,
      'Correct the function. The sandbox calls it once when it starts.',
    );
  }
  if (isServer(server)) return server;
  throw invalidConfiguration(
    `The function that creates the MCP server "${name}" did not return an MCP server.`,
    'Return a new McpServer of @modelcontextprotocol/sdk or @modelcontextprotocol/server.',
  );
}

function isServer(value: unknown): value is SandboxMcpServer {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'connect' in value && typeof value.connect === 'function' && 'close' in value && typeof value.close === 'function'
  );
}

function isHandler(value: unknown): value is SandboxMcpHandler {
  return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function';
}

function isModern(sdk: ModernSdk, server: SandboxMcpServer): server is InstanceType<ModernSdk['McpServer']> {
  return server instanceof sdk.McpServer || server instanceof sdk.Server;
}

function modern(sdk: ModernSdk, server: SandboxMcpServer): InstanceType<ModernSdk['McpServer']> {
  if (isModern(sdk, server)) return server;
  throw new Error('the function returned a server of another SDK than at the start');
}

/** A server of SDK v1 and one of SDK v2 have the same `connect`, except for the names of the types. */
function legacy(server: SandboxMcpServer): LegacyServer {
  return { connect: (transport) => server.connect(transport as never) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
