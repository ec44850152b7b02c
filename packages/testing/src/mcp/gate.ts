import type { Clock } from '@credence/core';
import { DpopProofError, verifyDpopProof } from '@credence/protocol';
import type { Incoming } from '../http/route.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { AccessTokens, IssuedToken } from '../tokens/access-tokens.ts';

/** The access token of a request to an MCP server, or undefined if the server refuses the request. */
export async function admitted(
  incoming: Incoming,
  server: ServerSettings,
  { tokens, clock }: { readonly tokens: AccessTokens; readonly clock: Clock },
): Promise<IssuedToken | undefined> {
  const presented = presentedToken(incoming);
  const token = presented && tokens.find(presented.value);
  if (presented === undefined || token === undefined || token.server !== server.name || !tokens.isLive(token)) {
    return undefined;
  }
  if (token.thumbprint === undefined) return presented.scheme === 'bearer' ? token : undefined;
  if (presented.scheme !== 'dpop') return undefined;
  return (await thumbprintOf(incoming, presented.value, clock)) === token.thumbprint ? token : undefined;
}

/** The scheme and the token of the Authorization header. */
export function presentedToken({ headers }: Incoming): { scheme: 'bearer' | 'dpop'; value: string } | undefined {
  const [, scheme = '', value = ''] = /^(Bearer|DPoP) (\S+)$/iu.exec(headers.get('authorization') ?? '') ?? [];
  if (value === '') return undefined;
  return { scheme: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', value };
}

/** RFC 9449 section 7. */
async function thumbprintOf({ method, url, headers }: Incoming, accessToken: string, clock: Clock) {
  const proof = headers.get('dpop');
  if (proof === null) return undefined;
  try {
    const now = new Date(clock.wallMs());
    return (await verifyDpopProof(proof, { method, url, accessToken, now }, {})).thumbprint;
  } catch (error) {
    if (error instanceof DpopProofError) return undefined;
    throw error;
  }
}
