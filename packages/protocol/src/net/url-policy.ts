import { addressKind, type AddressKind, isLoopback } from './address.ts';
import { parsedUrl } from '../text/parsed-url.ts';

/** Options that relax the URL policy, for networks in which the defaults are too strict. */
export interface NetworkTrust {
  /** Allows plain http to any host. Default: only to loopback. */
  readonly allowHttp?: boolean | undefined;
  /**
   * Allows a peer's metadata to contain addresses that are not public. Default: besides public addresses, only addresses
   * of the same kind as the configured host. A loopback, private or benchmarking address is also allowed if the configured
   * host is a name whose addresses are all non-public and include one of that kind. Link-local and reserved addresses are
   * never allowed because of what a name resolves to.
   */
  readonly allowPrivateAddresses?: boolean | undefined;
}

/** The reason why a URL is refused. For `address`, `kind` is the kind of the host's address. */
export type UrlFault =
  | { readonly fault: 'not-a-url' | 'user-info' | 'plain-http' }
  | { readonly fault: 'address'; readonly kind: Exclude<AddressKind, 'public'> };

/** A URL that may be requested, or the reason why it may not. */
export type UrlVerdict = { readonly url: URL; readonly fault?: undefined } | UrlFault;

/** Decides about a URL from the configuration. The URL must be https, or http to loopback, and contain no user name or password. */
export function judgeConfiguredUrl(value: string, trust: NetworkTrust = {}): UrlVerdict {
  const verdict = parsed(value);
  if (verdict.fault !== undefined) return verdict;
  const { url } = verdict;
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && trust.allowHttp !== true) return { fault: 'plain-http' };
  return verdict;
}

/**
 * Decides about a URL from a peer's document. `configuredUrl` is the configured URL of that peer. An address that is not
 * public is allowed only if the configured host is the same address, or an address of the same kind. Plain http is allowed
 * only if both hosts are loopback. The addresses that a name resolves to are checked later, when the connection is made
 * (`fetchNamedBy`).
 */
export function judgeNamedUrl(value: string, configuredUrl: URL, trust: NetworkTrust = {}): UrlVerdict {
  const verdict = parsed(value);
  if (verdict.fault !== undefined) return verdict;
  const { url } = verdict;
  const kind = addressKind(url.hostname);
  const isAllowed =
    kind === 'public' ||
    trust.allowPrivateAddresses === true ||
    url.hostname === configuredUrl.hostname ||
    kind === addressKind(configuredUrl.hostname);
  if (!isAllowed) return { fault: 'address', kind };
  const isLocal = kind === 'loopback' && isLoopback(configuredUrl.hostname);
  if (url.protocol === 'http:' && !isLocal && trust.allowHttp !== true) return { fault: 'plain-http' };
  return verdict;
}

function parsed(value: string): UrlVerdict {
  // The URL parser drops line breaks and spaces, but the text that is compared and logged would still contain them.
  const url = /^[\x21-\x7e]+$/u.test(value) ? parsedUrl(value) : undefined;
  if (url === undefined || !['https:', 'http:'].includes(url.protocol)) return { fault: 'not-a-url' };
  return url.username === '' && url.password === '' ? { url } : { fault: 'user-info' };
}
