/** A fault of the connection because of which a request has no valid answer. */
export type Fault =
  | { readonly kind: 'http'; readonly status: number }
  | { readonly kind: 'session-lost' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' };

/**
 * The fault of an HTTP status. A server that has forgotten a session answers 404. Many servers follow the examples of the SDK and
 * answer 400 with a text about the session. Without a session these statuses have no such meaning.
 */
export function httpFault(status: number, text: string, hadSession: boolean): Fault {
  const lost = status === 404 || (status === 400 && /\bsession\b|not initialized/iu.test(text.slice(0, 2_000)));
  return hadSession && lost ? { kind: 'session-lost' } : { kind: 'http', status };
}
