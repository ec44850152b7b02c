import { BlockList, isIPv6 } from 'node:net';
import { identifier } from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { NetworkTrust } from '../runtime/runtime.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

interface UrlAbout {
  /** What the URL is, for the message: `servers.linear.url`, `token_endpoint`. */
  readonly what: string;
  readonly leg: Leg;
  readonly contact: Contact;
  readonly server?: string | undefined;
  readonly issuer?: string | undefined;
}

/** A URL the user wrote: https, or http to loopback. Throws `forbidden_url` or `invalid_configuration`. */
export function configuredUrl(value: string, about: UrlAbout, trust: NetworkTrust): URL {
  const url = parse(value, about);
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !trust.allowHttp) {
    throw forbidden(
      about,
      'is plain http to a host that is not loopback',
      'Use https, or opt in with network.allowHttp.',
    );
  }
  return url;
}

/**
 * A URL a peer named in its metadata. `anchor` is the configured URL whose owner named it: only where that one is on
 * loopback may a peer send us to loopback or to plain http, and only to its own host where that is private.
 */
export function peerUrl(value: string, about: UrlAbout, trust: NetworkTrust, anchor: URL): URL {
  const url = parse(value, about);
  const anchorIsLoopback = isLoopback(anchor.hostname);
  if (isLoopback(url.hostname)) {
    if (!anchorIsLoopback && !trust.allowPrivateAddresses) {
      throw forbidden(
        about,
        'is a loopback address named by a peer that is not on loopback',
        'Pin the endpoint in the configuration if it is really meant.',
      );
    }
  } else if (isPrivate(url.hostname) && url.hostname !== anchor.hostname && !trust.allowPrivateAddresses) {
    throw forbidden(
      about,
      'is a private address named by a peer',
      'Pin the endpoint, or opt in with network.allowPrivateAddresses.',
    );
  }
  if (url.protocol === 'http:' && !(anchorIsLoopback && isLoopback(url.hostname)) && !trust.allowHttp) {
    throw forbidden(
      about,
      'is plain http',
      'Ask for the metadata to name https endpoints, or opt in with network.allowHttp.',
    );
  }
  return url;
}

export function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  return host === 'localhost' || host.endsWith('.localhost') || inList(LOOPBACK, host);
}

function isPrivate(hostname: string): boolean {
  const host = bare(hostname);
  return inList(PRIVATE, host) || host.endsWith('.internal') || host.endsWith('.local');
}

function inList(list: BlockList, host: string): boolean {
  return isIPv6(host) ? list.check(host, 'ipv6') : /^[\d.]+$/u.test(host) && list.check(host, 'ipv4');
}

/** `[::1]` to `::1`, `localhost.` to `localhost`; WHATWG URL has already folded case and odd IPv4 spellings. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/gu, '').replace(/\.$/u, '');
}

function parse(value: string, about: UrlAbout): URL {
  // the URL parser drops line breaks and spaces, which would live on in the text that was compared and is shown
  const url = /^[\x21-\x7e]+$/u.test(value) && URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !['https:', 'http:'].includes(url.protocol)) {
    throw new CredenceError({
      code: about.leg === 'configure' ? 'invalid_configuration' : 'invalid_response',
      leg: about.leg,
      message: `${about.what} is not an http(s) URL: ${identifier(value.replace(/\/\/[^/]*@/u, '//'), { max: 80 })}.`,
      remedy: `Give ${about.what} as an absolute https URL.`,
      contact: about.contact,
      server: about.server,
      issuer: about.issuer,
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw forbidden(about, 'carries a user name or password', 'Give credentials through the credential option only.');
  }
  return url;
}

function forbidden(about: UrlAbout, why: string, remedy: string): CredenceError {
  return new CredenceError({
    code: 'forbidden_url',
    leg: about.leg,
    message: `${about.what} ${why}.`,
    remedy,
    contact: about.contact,
    server: about.server,
    issuer: about.issuer,
  });
}
