import { thrownAtOnce } from '@credence/protocol';
import * as oauth from 'oauth4webapi';
import { useClockOf } from '../dpop/dpop-keys.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { tokenPresented } from './presented-token.ts';

/** Sends one request with its token: as Bearer (RFC 6750 section 2.1), or as DPoP with a new proof for this request (RFC 9449). */
export async function present(
  runtime: Runtime,
  server: ServerSettings,
  target: URL,
  init: RequestInit,
  token: AccessToken,
): Promise<Response> {
  tokenPresented(init, token.value);
  const headers = new Headers(init.headers);
  headers.delete('authorization');
  headers.delete('dpop');
  if (token.type === 'DPoP' && server.dpop) {
    useClockOf(target.origin, server.dpop.call, runtime);
    return withProof(runtime, server.dpop.call, target, init, headers, token);
  }
  headers.set('authorization', `Bearer ${token.value}`);
  return fetched(runtime, target, { ...init, headers, redirect: 'manual' });
}

function fetched({ fetch }: Runtime, url: string | URL, init: RequestInit): Promise<Response> {
  try {
    return fetch(url, init);
  } catch (error) {
    throw isCredenceError(error) ? error : thrownAtOnce(error);
  }
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
      // The URL of the server was checked with the configuration. Without this option the library refuses http.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, signed) =>
        fetched(runtime, url, { ...init, headers: signed.headers, redirect: 'manual' }),
    });
  } catch (error) {
    // The library throws for each response with a challenge. The caller handles 401 and 403 itself.
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
    throw error;
  }
}
