import type { CannedAnswer, PeerAnswer } from '../peer.ts';
import type { Misbehaviour } from './script.ts';

/** Sends this answer instead of the correct one. See also `endless`, `silence`, `drip` and `hangUp`. */
export function say(answer: PeerAnswer): Misbehaviour {
  return () => answer;
}

/** Sends the correct answer with a changed body. */
export function edit(change: (body: Readonly<Record<string, unknown>>) => Record<string, unknown>): Misbehaviour {
  return async (honest) => {
    const answer = await honest();
    return { ...answer, body: change(answer.body) };
  };
}

/** Sends the correct answer with these members of its body replaced, or removed if the value is `undefined`. */
export function editMembers(members: Readonly<Record<string, unknown>>): Misbehaviour {
  // JSON.stringify omits members that are undefined.
  return edit((body) => ({ ...body, ...members }));
}

/** Sends metadata with another issuer. A client must refuse it (RFC 8414 section 3.3). */
export function otherIssuer(issuer: string): Misbehaviour {
  return editMembers({ issuer });
}

/** Sends an answer of the exchange or redeem leg with another resource than requested. */
export function otherResource(resource: string): Misbehaviour {
  return editMembers({ resource });
}

/** Sends this `expires_in`, for example an invalid value of a real server: `"300"`, `"abc"`, `null`, `-1`. */
export function expiresIn(value: unknown): Misbehaviour {
  return editMembers({ expires_in: value });
}

/** Sends an answer with another `scope` than requested. */
export function grantedScope(scope: string): Misbehaviour {
  return editMembers({ scope });
}

/** Sends an HTML page instead of JSON, like a proxy or a sign-in page. */
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

/** Sends a 429 (RFC 6585 section 4). `retryAfter` is in seconds, or an HTTP date. */
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

/** Sends an error answer of RFC 6749 section 5.2. */
export function refusal(error: string, description?: string, status = 400): Misbehaviour {
  return say({
    status,
    body: { error, ...(description !== undefined && { error_description: description }) },
  });
}

/** Sends `invalid_client` in the form that RFC 6749 section 5.2 requires for Basic: a 401 with a challenge and JSON. */
export function invalidClient(description = 'Client authentication failed'): Misbehaviour {
  return say({
    status: 401,
    headers: { 'www-authenticate': 'Basic realm="token endpoint"' },
    body: { error: 'invalid_client', error_description: description },
  });
}
