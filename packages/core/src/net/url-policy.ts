import {
  type AddressKind,
  decideNamedUrl,
  identifier,
  judgeConfiguredUrl,
  type NetworkTrust,
  type UrlFault,
  type UrlVerdict,
} from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { Contact, Leg } from '../errors/leg.ts';
import type { Runtime } from '../runtime/runtime.ts';

interface UrlAbout {
  /** The name of the URL in the message, such as `servers.linear.url` or `token_endpoint`. */
  readonly what: string;
  readonly leg: Leg;
  readonly contact: Contact;
  readonly server?: string | undefined;
  readonly issuer?: string | undefined;
}

/** Checks a URL of the configuration: https, or http to loopback. Throws `forbidden_url` or `invalid_configuration`. */
export function checkedConfiguredUrl(value: string, about: UrlAbout, trust: NetworkTrust): URL {
  const verdict = judgeConfiguredUrl(value, trust);
  if (verdict.fault === undefined) return verdict.url;
  if (verdict.fault === 'plain-http') {
    throw forbidden(
      about,
      'is plain http to a host that is not loopback',
      'Use https, or opt in with network.allowHttp.',
    );
  }
  throw refusedUrl(value, verdict, about);
}

/**
 * Checks a URL in the metadata of a peer. `configuredUrl` is the configured URL of that peer. Throws `forbidden_url` or
 * `invalid_response`. Returns a promise only if the host name of `configuredUrl` has to be resolved.
 */
export function peerUrl(
  value: string,
  about: UrlAbout,
  { fetch, network }: Pick<Runtime, 'fetch' | 'network'>,
  configuredUrl: URL,
): URL | Promise<URL> {
  const allowed = (verdict: UrlVerdict): URL => {
    if (verdict.fault === undefined) return verdict.url;
    throw refusedUrl(value, verdict, about);
  };
  const verdict = decideNamedUrl(value, configuredUrl, fetch, network);
  return verdict instanceof Promise ? verdict.then(allowed) : allowed(verdict);
}

/**
 * The error for a host in a peer's metadata that is, or resolves to, a forbidden address. An address that is not public is allowed
 * only if the configured host of the peer is an address of the same kind. A loopback, private or benchmarking address is also
 * allowed if the configured host is a name whose addresses are all non-public and include one of that kind.
 */
export function forbiddenAddress(kind: AddressKind, about: UrlAbout, how: 'is' | 'resolves to'): CredenceError {
  return forbidden(
    about,
    `${how} a ${kind} address, and the host of the peer that named it has no such address`,
    'If the address is right, set the endpoint in the configuration, or allow it with network.allowPrivateAddresses.',
  );
}

function refusedUrl(value: string, fault: UrlFault, about: UrlAbout): CredenceError {
  switch (fault.fault) {
    case 'not-a-url':
      return new CredenceError({
        code: about.leg === 'configure' ? 'invalid_configuration' : 'invalid_response',
        leg: about.leg,
        // Another value than a configured one is a text of a peer.
        message: `${about.what} is not an http(s) URL${about.leg === 'configure' ? `: ${identifier(value.replace(/\/\/[^/]*@/u, '//'), { max: 80 })}` : ''}.`,
        remedy: `Give ${about.what} as an absolute https URL.`,
        contact: about.contact,
        server: about.server,
        issuer: about.issuer,
      });
    case 'user-info':
      return forbidden(
        about,
        'contains a user name or password',
        'Give credentials through the credential option only.',
      );
    case 'plain-http':
      return forbidden(
        about,
        'is plain http',
        'Ask for the metadata to name https endpoints, or opt in with network.allowHttp.',
      );
    case 'address':
      return forbiddenAddress(fault.kind, about, 'is');
  }
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
