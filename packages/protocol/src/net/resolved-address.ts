import { lookup, type LookupAddress } from 'node:dns';
import { within } from '../time/within.ts';
import { addressKind, type AddressKind, isAddress } from './address.ts';

/** Resolves a host name to all of its addresses, as `dns.lookup` does with `all: true`. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** The system's resolver, which also reads the hosts file. */
export const systemResolve: Resolve = (hostname) =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/** A host name in a peer's metadata resolves to a forbidden address. The message is safe to show. */
export class ForbiddenAddressError extends Error {
  /** Always `ForbiddenAddressError`. */
  override readonly name = 'ForbiddenAddressError';
  /** The kind of the address. */
  readonly kind: Exclude<AddressKind, 'public'>;

  constructor(kind: Exclude<AddressKind, 'public'>) {
    super(`the host resolves to a ${kind} address`);
    this.kind = kind;
  }
}

/**
 * Address kinds that stay forbidden even if the configured host name resolves to them. Clouds serve credentials at
 * link-local addresses, and a peer may control the DNS of the configured name.
 */
const NEVER_BY_RESOLUTION: ReadonlySet<AddressKind> = new Set(['link-local', 'reserved']);
/** The time limit for resolving the configured host, in milliseconds. */
const RESOLVE_TIMEOUT_MS = 5000;

/**
 * The kinds of address that the host of a configured URL has: the kind of an address itself, or the kinds of the addresses
 * that a name resolves to. Returns only `public` if the name does not resolve, or if it resolves to a public, link-local or
 * reserved address. A peer with a public address may have added other addresses only to get them allowed in its metadata.
 */
export async function configuredHostKinds(configuredUrl: URL, resolve: Resolve): Promise<ReadonlySet<AddressKind>> {
  const own = addressKind(configuredUrl.hostname);
  if (own !== 'public' || isAddress(configuredUrl.hostname)) return new Set([own]);
  try {
    const addresses = await within(RESOLVE_TIMEOUT_MS, resolve(configuredUrl.hostname));
    const kinds = new Set(addresses.map(({ address }) => addressKind(address)));
    const isSafe = ![...kinds].some((kind) => kind === 'public' || NEVER_BY_RESOLUTION.has(kind));
    return isSafe ? kinds : new Set(['public']);
  } catch {
    return new Set(['public']);
  }
}

/**
 * The addresses of a host in a peer's metadata, at least one. Throws ForbiddenAddressError if one of them is not public and
 * its kind is not allowed for the configured host. Throws the resolver's error if the name does not resolve.
 */
export async function resolveNamed(
  hostname: string,
  configuredUrl: URL,
  resolve: Resolve,
): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(hostname);
  if (addresses.length === 0) throw new Error(`${hostname} has no address`);
  let allowed: ReadonlySet<AddressKind> | undefined;
  for (const { address } of addresses) {
    const kind = addressKind(address);
    if (kind === 'public') continue;
    allowed ??= await configuredHostKinds(configuredUrl, resolve);
    if (!allowed.has(kind)) throw new ForbiddenAddressError(kind);
  }
  return addresses;
}
