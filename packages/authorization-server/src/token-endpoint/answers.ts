import { cleanText } from '@credence/protocol';
import type { GrantRefusal } from '../grant/refusal.ts';

/** The headers of a token response (RFC 6749 section 5.1). */
const NO_STORE = { 'content-type': 'application/json', 'cache-control': 'no-store', pragma: 'no-cache' };

/** The response to a granted request. */
export function tokenResponse(body: Readonly<Record<string, unknown>>): Response {
  return Response.json(body, { headers: NO_STORE });
}

/** The error response (RFC 6749 section 5.2). `temporarily_unavailable` has the status 503, after which a client may retry. */
export function errorResponse(refusal: GrantRefusal, request: Request, dpopNonce: string | undefined): Response {
  const description = asciiOnly(cleanText(refusal.description));
  return Response.json(
    { error: refusal.error, error_description: description },
    {
      status: statusOf(refusal.error),
      headers: {
        ...NO_STORE,
        // RFC 6749 section 5.2 requires the header if the client authenticated by the Authorization header.
        ...(refusal.error === 'invalid_client' &&
          request.headers.has('authorization') && { 'www-authenticate': 'Basic realm="token"' }),
        ...(refusal.error === 'temporarily_unavailable' && { 'retry-after': '1' }),
        ...(dpopNonce !== undefined && { 'dpop-nonce': dpopNonce }),
      },
    },
  );
}

/** The response to a request with another method than POST. */
export function methodNotAllowed(): Response {
  return Response.json({ error: 'invalid_request' }, { status: 405, headers: { ...NO_STORE, allow: 'POST' } });
}

function statusOf(error: string): number {
  if (error === 'invalid_client') return 401;
  if (error === 'temporarily_unavailable') return 503;
  return error === 'server_error' ? 500 : 400;
}

/** Replaces the characters that RFC 6749 section 5.2 does not allow in `error_description`. */
function asciiOnly(text: string): string {
  return text.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/gu, "'");
}
