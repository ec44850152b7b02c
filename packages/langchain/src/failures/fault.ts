/** Why a request got no answer, as far as it is the connection's fault. */
export type Fault =
  | { readonly kind: 'http'; readonly status: number }
  | { readonly kind: 'session-lost' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' };

/**
 * The fault an HTTP status stands for. A server that has forgotten a session answers 404; many that follow the SDK's examples
 * answer 400 and say so in words. Without a session neither means that.
 */
export function httpFault(status: number, text: string, hadSession: boolean): Fault {
  const lost = status === 404 || (status === 400 && /\bsession\b|not initialized/iu.test(text.slice(0, 2_000)));
  return hadSession && lost ? { kind: 'session-lost' } : { kind: 'http', status };
}
