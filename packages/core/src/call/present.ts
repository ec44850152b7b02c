import * as oauth from 'oauth4webapi';
import type { ServerSettings } from '../settings/settings.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';

/** One request with its token: Bearer (RFC 6750 section 2.1), or DPoP with a new proof for this very request (RFC 9449). */
export async function present(
  runtime: Runtime,
  server: ServerSettings,
  target: URL,
  init: RequestInit,
  token: AccessToken,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  headers.delete('dpop');
  if (token.type === 'DPoP' && server.dpop) return withProof(runtime, server.dpop.call, target, init, headers, token);
  headers.set('authorization', `Bearer ${token.value}`);
  return runtime.fetch(target, { ...init, headers, redirect: 'manual' });
}

async function withProof(
  runtime: Runtime,
  handle: oauth.DPoPHandle,
  target: URL,
  init: RequestInit,
  headers: Headers,
  token: AccessToken,
): Promise<Response> {
  try {
    return await oauth.protectedResourceRequest(token.value, init.method ?? 'GET', target, headers, undefined, {
      DPoP: handle,
      // the configuration has already decided which URLs may be plain http
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, signed) =>
        runtime.fetch(url, { ...init, headers: signed.headers, redirect: 'manual' }),
    });
  } catch (error) {
    // the library throws on any challenge, also on a 403 that is ours to judge
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
    throw error;
  }
}
