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

/** The values that Credence uses from an issuer's metadata (RFC 8414, OpenID Connect Discovery). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly grantTypes: readonly string[] | undefined;
  readonly authMethods: readonly string[] | undefined;
  /** Whether `authorization_grant_profiles_supported` contains the ID-JAG profile. Undefined without that member. */
  readonly redeemsIdJags: boolean | undefined;
  /** Whether `identity_chaining_requested_token_types_supported` contains the ID-JAG type. Undefined without that member. */
  readonly issuesIdJags: boolean | undefined;
}

/**
 * Fetches the metadata of an issuer. Its `issuer` must be equal to the requested string. `configuredUrl` is the configured URL that
 * decides which addresses the metadata may name. Throws `metadata_not_found`, `issuer_mismatch` and the errors of `send`, with the
 * leg `discover`.
 */
export async function discoverIssuer(
  runtime: Runtime,
  issuer: string,
  options: {
    role: 'idp' | 'authorization-server';
    server?: string | undefined;
    option: string;
    configuredUrl: URL;
    signal: AbortSignal;
  },
): Promise<IssuerMetadata> {
  const { role, server, option, configuredUrl, signal } = options;
  const about: About = {
    leg: 'discover',
    operation: role === 'idp' ? 'idp-metadata' : 'authorization-server-metadata',
    contact: role === 'idp' ? 'idp-admin' : 'server-owner',
    server,
    issuer,
    option,
    configuredUrl,
  };
  const allowed = peerUrl(issuer, { ...about, what: `the issuer ${identifier(issuer)}` }, runtime, configuredUrl);
  const urls = authorizationServerUrls(allowed instanceof Promise ? await allowed : allowed);
  const found = await firstDocument(runtime, urls, about, signal, (document) =>
    metadataFrom(document, issuer, about, option, (value) =>
      peerUrl(value, { ...about, what: 'token_endpoint in the metadata' }, runtime, configuredUrl),
    ),
  );
  if (found) return found;
  throw new CredenceError({
    code: 'metadata_not_found',
    leg: 'discover',
    message: `No metadata was found for the issuer ${identifier(issuer)} (tried ${urls.length} well-known paths).`,
    remedy: `Check the spelling of ${option}; if the issuer publishes no metadata, set its token endpoint in the configuration.`,
    contact: 'you',
    server,
    issuer,
  });
}

/** Checks the document and returns its values. `allowed` checks the URL of the token endpoint. */
function metadataFrom(
  { url, json }: MetadataDocument,
  issuer: string,
  about: About,
  option: string,
  allowed: (value: string) => URL | Promise<URL>,
): IssuerMetadata | Promise<IssuerMetadata> {
  const named = stringField(json, 'issuer');
  if (named !== issuer) {
    throw new CredenceError({
      code: 'issuer_mismatch',
      leg: 'discover',
      message: `The metadata at ${url} names another issuer than "${issuer}": ${identifier(named)}.`,
      remedy: `If the issuer in the metadata is right, set ${option} to exactly that string; a trailing slash counts.`,
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
      remedy: 'Ask the operator of the issuer, or set its token endpoint in the configuration.',
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
