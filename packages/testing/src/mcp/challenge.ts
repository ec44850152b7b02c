import { protectedResourceUrls } from '@credence/protocol';
import type { RefusalDetails } from '../hooks/next.ts';
import type { ServerSettings } from '../settings/settings.ts';

/** The URL of the server's metadata (RFC 9728 section 3.1). */
export function metadataUrl({ url }: ServerSettings): string {
  const [first = url] = protectedResourceUrls(new URL(url));
  return first;
}

/** A refusal of an MCP server: 401 or 403 with a challenge (RFC 6750 section 3, RFC 9449 section 7.1). */
export function challenge(
  server: ServerSettings,
  error: string | undefined,
  { description, scope, status = error === 'insufficient_scope' ? 403 : 401 }: RefusalDetails = {},
): Response {
  const parameters = [
    ['error', error],
    ['error_description', description],
    ['scope', scope],
    ['resource_metadata', metadataUrl(server)],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}="${value}"`]));
  const scheme = server.requireDpop ? 'DPoP' : 'Bearer';
  return new Response(null, { status, headers: { 'www-authenticate': `${scheme} ${parameters.join(', ')}` } });
}
