import { lookup, type LookupAddress } from 'node:dns';
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

/** The kinds of the host of a configured URL: the kind of the host itself, or the kinds of the addresses it resolves to. */
export async function kindsOf(anchor: URL, resolve: Resolve): Promise<ReadonlySet<AddressKind>> {
  const own = addressKind(anchor.hostname);
  if (own !== 'public' || isAddress(anchor.hostname)) return new Set([own]);
  try {
    return new Set((await resolve(anchor.hostname)).map(({ address }) => addressKind(address)));
  } catch {
    // If the configured host does not resolve, its peer may name public addresses only.
    return new Set(['public']);
  }
}

/**
 * The addresses of a host that a peer named. Throws ForbiddenAddressError if one of them is not public and the anchor's
 * host has no address of the same kind. Throws the resolver's error if the name does not resolve.
 */
export async function resolveNamed(hostname: string, anchor: URL, resolve: Resolve): Promise<readonly LookupAddress[]> {
  const addresses = await resolve(hostname);
  let allowed: ReadonlySet<AddressKind> | undefined;
  for (const { address } of addresses) {
    const kind = addressKind(address);
    if (kind === 'public') continue;
    allowed ??= await kindsOf(anchor, resolve);
    if (!allowed.has(kind)) throw new ForbiddenAddressError(kind);
  }
  return addresses;
}
