import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMembers } from '../schema/json-value.ts';

/**
 * What the code that calls an auth provider does if the server answers 401 to the provider's token:
 * - `sends-again`: a client that sends the request again with a new token.
 * - `fails`: a client that cannot do this.
 * - `unknown`: a client whose package is not known, for example because it is bundled.
 * - `no-client`: code that calls the provider itself.
 */
export type AfterRefusal = 'sends-again' | 'fails' | 'unknown' | 'no-client';

/** The folder of an installed package, in a line of a stack trace. */
const PACKAGE = /(?:file:\/\/)?[^\s()]*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^/\\]+[/\\]/gu;
/** The function of SDK v1 and of `@ai-sdk/mcp` that calls the provider. */
const CLIENT_FUNCTION = /[\s.]_?commonHeaders\b/u;
/** Before 1.24, SDK v1 continues after a 401 only with a token that a user has approved. */
const OLDEST_SDK_V1 = { major: 1, minor: 24 };

const known = new Map<string, AfterRefusal | undefined>();

/** What the code does that is on this stack. */
export function afterRefusal(stack: string | undefined): AfterRefusal {
  if (stack === undefined) return 'no-client';
  for (const [folder] of stack.matchAll(PACKAGE)) {
    if (!known.has(folder)) known.set(folder, ofPackage(folder));
    const found = known.get(folder);
    if (found) return found;
  }
  return CLIENT_FUNCTION.test(stack) ? 'unknown' : 'no-client';
}

/** Undefined for a package that is no MCP client. The folder of a package can have another name than the package. */
function ofPackage(folder: string): AfterRefusal | undefined {
  const { name, version } = manifestIn(folder);
  if (name === '@ai-sdk/mcp') return 'fails';
  if (name === '@modelcontextprotocol/client') return 'sends-again';
  if (name !== '@modelcontextprotocol/sdk') return undefined;
  const [major = 0, minor = 0] = String(version).split('.').map(Number);
  if (major !== OLDEST_SDK_V1.major) return 'unknown';
  return minor >= OLDEST_SDK_V1.minor ? 'sends-again' : 'fails';
}

function manifestIn(folder: string): { readonly name?: unknown; readonly version?: unknown } {
  try {
    const path = folder.startsWith('file:') ? fileURLToPath(folder) : folder;
    const manifest: unknown = JSON.parse(readFileSync(`${path}package.json`, 'utf8'));
    return isMembers(manifest) ? manifest : {};
  } catch {
    return {};
  }
}
