import {
  authorizationServerUrls,
  GRANT_PROFILE_ID_JAG,
  identifier,
  stringField,
  stringList,
  TOKEN_TYPE_ID_JAG,
} from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import type { About } from '../net/gate.ts';
import { peerUrl } from '../net/url-policy.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { firstDocument, type MetadataDocument } from './metadata-document.ts';

/** What Credence uses of an issuer's metadata (RFC 8414, OpenID Connect Discovery). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly grantTypes: readonly string[] | undefined;
  readonly authMethods: readonly string[] | undefined;
  /** `authorization_grant_profiles_supported` names the ID-JAG profile; undefined where the metadata does not say. */
  readonly redeemsIdJags: boolean | undefined;
  /** `identity_chaining_requested_token_types_supported` names the ID-JAG type; undefined where it does not say. */
  readonly issuesIdJags: boolean | undefined;
}

/**
 * The metadata of an issuer, whose `issuer` must be the very string asked for. `anchor` is the configured URL that vouches
 * for where the metadata may point. Throws `metadata_not_found`, `issuer_mismatch` and the gate's errors, leg `discover`.
 */
export async function discoverIssuer(
  runtime: Runtime,
  issuer: string,
  options: {
    role: 'idp' | 'authorization-server';
    server?: string | undefined;
    option: string;
    anchor: URL;
    signal: AbortSignal;
  },
): Promise<IssuerMetadata> {
  const { role, server, option, anchor, signal } = options;
  const about: About = {
    leg: 'discover',
    operation: role === 'idp' ? 'idp-metadata' : 'authorization-server-metadata',
    contact: role === 'idp' ? 'idp-admin' : 'server-owner',
    server,
    issuer,
    option,
    anchor,
  };
  const allowed = peerUrl(issuer, { ...about, what: `the issuer ${identifier(issuer)}` }, runtime, anchor);
  const urls = authorizationServerUrls(allowed instanceof Promise ? await allowed : allowed);
  const found = await firstDocument(runtime, urls, about, signal, (document) =>
    judge(document, issuer, about, option, (value) =>
      peerUrl(value, { ...about, what: 'token_endpoint in the metadata' }, runtime, anchor),
    ),
  );
  if (found) return found;
  throw new CredenceError({
    code: 'metadata_not_found',
    leg: 'discover',
    message: `No metadata was found for the issuer ${identifier(issuer)} (tried ${urls.length} well-known paths).`,
    remedy: `Check the spelling of ${option}; if the issuer publishes no metadata, pin its token endpoint in the configuration.`,
    contact: 'you',
    server,
    issuer,
  });
}

function judge(
  { url, json }: MetadataDocument,
  issuer: string,
  about: About,
  option: string,
  allowed: (value: string) => URL | Promise<URL>,
): IssuerMetadata | Promise<IssuerMetadata> {
  const said = stringField(json, 'issuer');
  if (said !== issuer) {
    throw new CredenceError({
      code: 'issuer_mismatch',
      leg: 'discover',
      message: `The metadata at ${url} is of another issuer than "${issuer}": ${identifier(said)}.`,
      remedy: `Set ${option} to exactly the issuer that the metadata names, if that is the one you mean; a trailing slash counts.`,
      contact: 'you',
      server: about.server,
      issuer,
    });
  }
  const tokenEndpoint = stringField(json, 'token_endpoint');
  if (tokenEndpoint === undefined) {
    throw new CredenceError({
      code: 'invalid_response',
      leg: 'discover',
      message: `The metadata at ${url} names no token_endpoint.`,
      remedy: 'Ask whoever runs the issuer, or pin its token endpoint in the configuration.',
      contact: about.contact,
      server: about.server,
      issuer,
    });
  }
  const profiles = stringList(json['authorization_grant_profiles_supported']);
  const chaining = stringList(json['identity_chaining_requested_token_types_supported']);
  const withEndpoint = ({ href }: URL): IssuerMetadata => ({
    issuer,
    tokenEndpoint: href,
    grantTypes: stringList(json['grant_types_supported']),
    authMethods: stringList(json['token_endpoint_auth_methods_supported']),
    redeemsIdJags: profiles?.includes(GRANT_PROFILE_ID_JAG),
    issuesIdJags: chaining?.includes(TOKEN_TYPE_ID_JAG),
  });
  const endpoint = allowed(tokenEndpoint);
  return endpoint instanceof Promise ? endpoint.then(withEndpoint) : withEndpoint(endpoint);
}
