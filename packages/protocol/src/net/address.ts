import { BlockList, isIP } from 'node:net';

/**
 * The kind of network that a host belongs to. `public` is every host that is of no other kind. This kind includes most names: the
 * addresses that a name resolves to are checked when the connection is made.
 */
export type AddressKind = 'public' | 'loopback' | 'private' | 'link-local' | 'benchmarking' | 'reserved';

type SpecialKind = Exclude<AddressKind, 'public'>;

/** The ranges of the IANA special-purpose registries that can lead into a private network. */
const IPV4: readonly (readonly [SpecialKind, string, number])[] = [
  ['loopback', '127.0.0.0', 8],
  ['private', '10.0.0.0', 8],
  ['private', '172.16.0.0', 12],
  ['private', '192.168.0.0', 16],
  ['private', '100.64.0.0', 10],
  ['link-local', '169.254.0.0', 16],
  ['benchmarking', '198.18.0.0', 15],
  ['reserved', '0.0.0.0', 8],
  ['reserved', '192.0.0.0', 24],
  ['reserved', '192.88.99.0', 24],
  ['reserved', '224.0.0.0', 4],
  ['reserved', '240.0.0.0', 4],
];
const IPV6: readonly (readonly [SpecialKind, string, number])[] = [
  ['loopback', '::1', 128],
  ['private', 'fc00::', 7],
  ['private', 'fec0::', 10],
  ['private', '64:ff9b:1::', 48],
  ['link-local', 'fe80::', 10],
  ['reserved', '::', 128],
  // A Teredo address (RFC 4380) contains two IPv4 addresses: that of the Teredo server, and that of the client with all
  // bits inverted.
  ['reserved', '2001::', 32],
];
/**
 * IPv6 ranges whose addresses contain an IPv4 address: mapped, compatible, translated (RFC 2765), NAT64 (RFC 6052) and
 * 6to4 (RFC 3056).
 */
const WITH_IPV4: readonly (readonly [network: string, prefix: number, firstGroup: number])[] = [
  ['::ffff:0:0', 96, 6],
  ['::ffff:0:0:0', 96, 6],
  ['::', 96, 6],
  ['64:ff9b::', 96, 6],
  ['2002::', 16, 1],
];
/** The only IPv6 addresses that are assigned for the public network (RFC 4291 section 2.4). */
const GLOBAL_UNICAST = listOf('2000::', 3, 'ipv6');

const lists4 = IPV4.map(([kind, network, prefix]) => ({ kind, list: listOf(network, prefix, 'ipv4') }));
const lists6 = IPV6.map(([kind, network, prefix]) => ({ kind, list: listOf(network, prefix, 'ipv6') }));
const listsWithIpv4 = WITH_IPV4.map(([network, prefix, at]) => ({ at, list: listOf(network, prefix, 'ipv6') }));

/** Names that are reserved for the local machine or the local network. No public top-level domain is among them. */
const NAMES: readonly (readonly [SpecialKind, RegExp])[] = [
  ['loopback', /^(?:(?:.+\.)?localhost|ip6-localhost|ip6-loopback)$/u],
  ['link-local', /^metadata\.(?:google\.internal|goog)$/u],
  ['private', /^(?:.+\.)?(?:internal|local|home\.arpa)$/u],
];

/** The kind of `hostname`, which is the host of a URL (`[::1]`, `localhost.`) or an address (`::1`, `fe80::1%eth0`). */
export function addressKind(hostname: string): AddressKind {
  const host = bareHost(hostname);
  const family = isIP(host);
  if (family === 4) return ipv4Kind(host);
  if (family === 6) return ipv6Kind(host);
  return NAMES.find(([, names]) => names.test(host))?.[0] ?? 'public';
}

/** Whether `hostname` is an IP address, which needs no name resolution. */
export function isAddress(hostname: string): boolean {
  return isIP(bareHost(hostname)) !== 0;
}

/** Whether `hostname` is a loopback address or a name under `localhost`. */
export function isLoopback(hostname: string): boolean {
  return addressKind(hostname) === 'loopback';
}

/** The host in lower case, without the brackets and the zone of an IPv6 address and without the final dots of a name. */
function bareHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/%.*$/u, '')
    .replace(/\.+$/u, '');
}

function ipv4Kind(address: string): AddressKind {
  return lists4.find(({ list }) => list.check(address, 'ipv4'))?.kind ?? 'public';
}

function ipv6Kind(address: string): AddressKind {
  const kind = lists6.find(({ list }) => list.check(address, 'ipv6'))?.kind;
  if (kind !== undefined) return kind;
  const groups = groupsOf(address);
  const embedding = listsWithIpv4.find(({ list }) => list.check(address, 'ipv6'));
  if (embedding !== undefined) return ipv4Kind(embeddedIpv4(groups, embedding.at));
  if (!GLOBAL_UNICAST.check(address, 'ipv6')) return 'reserved';
  return isIsatap(groups) ? ipv4Kind(embeddedIpv4(groups, 6)) : 'public';
}

/** ISATAP (RFC 5214): any prefix, followed by an interface identifier that ends in an IPv4 address. */
function isIsatap([, , , , universal, isatap]: readonly number[]): boolean {
  return (universal === 0 || universal === 0x200) && isatap === 0x5efe;
}

/** The IPv4 address in two of the eight groups of an IPv6 address, from the group at the index `at`. */
function embeddedIpv4(groups: readonly number[], at: number): string {
  const [high = 0, low = 0] = groups.slice(at, at + 2);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function groupsOf(address: string): number[] {
  // The URL parser writes every IPv6 address in groups of hexadecimal digits, even one that ends in an IPv4 address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  if (tail === undefined) return (before ?? []).map(hex);
  const zeros = 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return [...(before ?? []), ...Array.from({ length: zeros }, () => '0'), ...(after ?? [])].map(hex);
}

function hex(group: string): number {
  return Number.parseInt(group, 16);
}

function listOf(network: string, prefix: number, family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list;
}
