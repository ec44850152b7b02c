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

/** A host that a peer named is, or resolves to, an address that the peer may not name. The message is safe to show. */
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

/** A peer that controls the DNS of a configured host must not get at these by it: clouds serve credentials there. */
const NEVER_BY_RESOLUTION: ReadonlySet<AddressKind> = new Set(['link-local', 'reserved']);
/** How long the configured host is resolved, in milliseconds. */
const RESOLVE_TIMEOUT_MS = 5000;

/**
 * The kind of the host of a configured URL: the kind of the host itself, or that of the addresses it resolves to. It is
 * `public` if one of the addresses is public: the peer can then be reached without the others, which it may have added to
 * be allowed to name such addresses. It is `public` too if the host does not resolve.
 */
export async function anchorKinds(anchor: URL, resolve: Resolve): Promise<ReadonlySet<AddressKind>> {
  const own = addressKind(anchor.hostname);
  if (own !== 'public' || isAddress(anchor.hostname)) return new Set([own]);
  try {
    const addresses = await within(RESOLVE_TIMEOUT_MS, resolve(anchor.hostname));
    const kinds = new Set(addresses.map(({ address }) => addressKind(address)));
    const isSafe = ![...kinds].some((kind) => kind === 'public' || NEVER_BY_RESOLUTION.has(kind));
    return isSafe ? kinds : new Set(['public']);
  } catch {
    return new Set(['public']);
  }
}

/**
 * The addresses of a host that a peer named, at least one. Throws ForbiddenAddressError if one of them is not public and
 * the anchor's host has no address of the same kind. Throws the resolver's error if the name does not resolve.
 */
export async function resolveNamed(hostname: string, anchor: URL, resolve: Resolve): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(hostname);
  if (addresses.length === 0) throw new Error(`${hostname} has no address`);
  let allowed: ReadonlySet<AddressKind> | undefined;
  for (const { address } of addresses) {
    const kind = addressKind(address);
    if (kind === 'public') continue;
    allowed ??= await anchorKinds(anchor, resolve);
    if (!allowed.has(kind)) throw new ForbiddenAddressError(kind);
  }
  return addresses;
}
