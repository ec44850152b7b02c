import type { CannedAnswer, PeerAnswer } from '../peer.ts';
import type { Misbehaviour } from './script.ts';

/** Any answer at all, said in place of the honest one: see also `endless`, `silence`, `drip` and `hangUp`. */
export function say(answer: PeerAnswer): Misbehaviour {
  return () => answer;
}

/** The honest answer with its body changed. */
export function edit(change: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>): Misbehaviour {
  return async (honest) => {
    const answer = await honest();
    return { ...answer, body: change(answer.body) };
  };
}

/** The honest answer with some members of its body replaced, or taken out where the value is `undefined`. */
export function editMembers(members: Readonly<Record<string, unknown>>): Misbehaviour {
  // JSON.stringify leaves out what is undefined.
  return edit((body) => ({ ...body, ...members }));
}

/** Metadata that speaks for another issuer (RFC 8414 section 3.3: must be refused). */
export function otherIssuer(issuer: string): Misbehaviour {
  return editMembers({ issuer });
}

/** An exchange or redeem answer for another resource than the one asked for. */
export function otherResource(resource: string): Misbehaviour {
  return editMembers({ resource });
}

/** `expires_in` as a peer in the wild sends it: `"300"`, `"abc"`, `null`, `-1`. */
export function expiresIn(value: unknown): Misbehaviour {
  return editMembers({ expires_in: value });
}

/** Less (or more, or something else) granted than asked for. */
export function grantedScope(scope: string): Misbehaviour {
  return editMembers({ scope });
}

/** A proxy's or a sign-in page's answer where JSON was expected. */
export function htmlPage(status = 200): Misbehaviour {
  return say({
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: '<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>',
  });
}

export function redirect(location: string, status = 302): Misbehaviour {
  return say({ status, headers: { location }, body: '' });
}

/** RFC 6585 section 4; `retryAfter` in seconds or as an HTTP date. */
export function tooManyRequests(retryAfter?: number | string): Misbehaviour {
  return say({
    status: 429,
    headers: retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
    body: { error: 'slow_down', error_description: 'Too many requests' },
  });
}

export function serverError(status = 500, body: CannedAnswer['body'] = 'upstream failed'): Misbehaviour {
  return say({ status, headers: { 'content-type': 'text/plain' }, body });
}

/** A refusal in the words of RFC 6749 section 5.2. */
export function refusal(error: string, description?: string, status = 400): Misbehaviour {
  return say({
    status,
    body: { error, ...(description !== undefined && { error_description: description }) },
  });
}

/** `invalid_client` as section 5.2 wants it for Basic: a 401 with a challenge and the JSON body. */
export function invalidClient(description = 'Client authentication failed'): Misbehaviour {
  return say({
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="token endpoint"' },
    body: { error: 'invalid_client', error_description: description },
  });
}
