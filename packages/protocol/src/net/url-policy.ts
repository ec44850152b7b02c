import { addressKind, type AddressKind, isLoopback } from './address.ts';

/** What an operator opted in to, for networks where the defaults are too strict. */
export interface NetworkTrust {
  /** Plain http to any host. Default: only to loopback. */
  readonly allowHttp?: boolean | undefined;
  /**
   * A peer's metadata may name loopback, private and reserved addresses. Default: only addresses of the kind that the
   * configured host has or resolves to.
   */
  readonly allowPrivateAddresses?: boolean | undefined;
}

/** Why a URL is refused. For `address`, `kind` says which addresses its host belongs to. */
export type UrlFault =
  | { readonly fault: 'not-a-url' | 'user-info' | 'plain-http' }
  | { readonly fault: 'address'; readonly kind: Exclude<AddressKind, 'public'> };

/** A URL that may be requested, or why it may not. */
export type UrlVerdict = { readonly url: URL; readonly fault?: undefined } | UrlFault;

/** A URL that an operator configured: https, or plain http to loopback; no user name or password. */
export function judgeConfiguredUrl(value: string, trust: NetworkTrust = {}): UrlVerdict {
  const verdict = parsed(value);
  if (verdict.fault !== undefined) return verdict;
  const { url } = verdict;
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && trust.allowHttp !== true) return { fault: 'plain-http' };
  return verdict;
}

/**
 * A URL that a peer's document named. `anchor` is the configured URL whose owner named it: a loopback, private or reserved
 * address is allowed only where the anchor's host is the same or one of the same kind, plain http only from loopback to
 * loopback. A name that resolves to such an address is found when the connection is made (`fetchNamedBy`).
 */
export function judgeNamedUrl(value: string, anchor: URL, trust: NetworkTrust = {}): UrlVerdict {
  const verdict = parsed(value);
  if (verdict.fault !== undefined) return verdict;
  const { url } = verdict;
  const kind = addressKind(url.hostname);
  const isAllowed =
    kind === 'public' ||
    trust.allowPrivateAddresses === true ||
    url.hostname === anchor.hostname ||
    kind === addressKind(anchor.hostname);
  if (!isAllowed) return { fault: 'address', kind };
  const isLocal = kind === 'loopback' && isLoopback(anchor.hostname);
  if (url.protocol === 'http:' && !isLocal && trust.allowHttp !== true) return { fault: 'plain-http' };
  return verdict;
}

function parsed(value: string): UrlVerdict {
  // the URL parser drops line breaks and spaces, which would live on in the text that is compared and shown
  const url = /^[\x21-\x7e]+$/u.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) return { fault: 'not-a-url' };
  return url.username === '' && url.password === '' ? { url } : { fault: 'user-info' };
}
