import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyOptions } from '../options.ts';
import type { SandboxServer } from '../world/server.ts';

/**
 * Reads a configuration file. The options are checked when the sandbox starts.
 * @throws Error with a message that names the file.
 */
export async function readConfig(file: string): Promise<AnyOptions> {
  const path = resolve(file);
  const options = await (path.endsWith('.json') ? readJson(path) : readModule(path));
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new Error(
      `${file} does not contain the options of startSandbox: an object with servers, principals and grants.`,
    );
  }
  return withAbsolutePaths(options, dirname(path));
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new Error(`${path} cannot be read: ${messageOf(error)}`);
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

async function readModule(path: string): Promise<unknown> {
  const loaded: unknown = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw new Error(`${path} cannot be imported: ${messageOf(error)}`);
  });
  return typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
}

function withAbsolutePaths(options: AnyOptions, folder: string): AnyOptions {
  const { servers } = options;
  if (typeof servers !== 'object' || servers === null) return options;
  return {
    ...options,
    servers: Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, withAbsolutePath(server, folder)]),
    ),
  };
}

function withAbsolutePath(server: SandboxServer, folder: string): SandboxServer {
  const isPath = typeof server?.module === 'string' && !server.module.includes('://');
  return isPath ? { ...server, module: resolve(folder, String(server.module)) } : server;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
