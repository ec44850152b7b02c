import { GrantRefusal, type PresentedClient } from '@credence/authorization-server';
import { presentedClient } from '@credence/authorization-server/internals';
import { oauthError } from './responses.ts';
import type { Incoming } from './route.ts';

/** The form of a token request. Empty if the body is no form. */
export function formOf({ headers, body }: Incoming): URLSearchParams {
  const isForm = headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') === true;
  return new URLSearchParams(isForm ? body : '');
}

/** The client id that a token request names, unverified. */
export function claimedClientId(incoming: Incoming): string | undefined {
  try {
    return clientOf(incoming).clientId;
  } catch {
    return undefined;
  }
}

/** The client of a token request with its credential, unverified. Throws GrantRefusal. */
export function clientOf(incoming: Incoming): PresentedClient {
  return presentedClient(incoming.headers, Object.fromEntries(formOf(incoming)));
}

/** Runs the work of a token endpoint. A GrantRefusal becomes an error response. */
export async function tokenResponse(work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GrantRefusal)) throw error;
    return oauthError(error.error, { description: error.description });
  }
}
