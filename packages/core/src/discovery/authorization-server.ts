import {
  authorizationServerUrls,
  GRANT_JWT_BEARER,
  GRANT_PROFILE_ID_JAG,
  GRANT_TOKEN_EXCHANGE,
  identifier,
  stringField,
  stringList,
  TOKEN_TYPE_ID_JAG,
} from '@credence/protocol';
import { CredenceError } from '../errors/credence-error.ts';
import { originalOf } from '../errors/same-failure.ts';
import { type About, withoutQuery } from '../net/gate.ts';
import { namedUrl } from '../net/named-url.ts';
import { peerUrl } from '../net/url-policy.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type IssuerOfServer, remedyForIssuerOfMetadata, tokenEndpointOption } from './issuer-remedies.ts';
import { firstDocument, type MetadataDocument } from './metadata-document.ts';

/** The values that Credence uses from an issuer's metadata (RFC 8414, OpenID Connect Discovery). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly grantTypes: readonly string[] | undefined;
  readonly authMethods: readonly string[] | undefined;
  /** The `revocation_endpoint` (RFC 7009) as the metadata has it. Its URL is checked before it is used. */
  readonly revocationEndpoint?: string | undefined;
  /** Whether `authorization_grant_profiles_supported` contains the ID-JAG profile. Undefined without that member. */
  readonly redeemsIdJags: boolean | undefined;
  /** Whether `identity_chaining_requested_token_types_supported` contains the ID-JAG type. Undefined without that member. */
  readonly issuesIdJags: boolean | undefined;
  /** Undefined: the metadata of an issuer is used until it expires. */
  readonly isProvisional?: undefined;
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
    /** What the metadata of the server says of its authorization server. Called for the remedy of an `issuer_mismatch`. */
    issuerOfServer?: (() => Promise<IssuerOfServer>) | undefined;
  },
): Promise<IssuerMetadata> {
  const { role, server, option, configuredUrl, signal, issuerOfServer } = options;
  const about: About = {
    leg: 'discover',
    operation: role === 'idp' ? 'idp-metadata' : 'authorization-server-metadata',
    contact: role === 'idp' ? 'idp-admin' : 'server-owner',
    server,
    issuer,
    option,
    pin: tokenEndpointOption(option),
    // The issuer of an ownToken source has no option for its token endpoint.
    endpointPin: /^(?:idp|servers\..*)\.issuer$/u.test(option) ? tokenEndpointOption(option) : undefined,
    configuredUrl,
  };
  const allowed = peerUrl(issuer, { ...about, what: `the issuer ${identifier(issuer)}` }, runtime, configuredUrl);
  const urls = authorizationServerUrls(allowed instanceof Promise ? await allowed : allowed);
  const documents = await firstDocument(runtime, urls, about, signal, {
    accept: (document) =>
      metadataFrom(document, issuer, { about, option, issuerOfServer }, (value) =>
        peerUrl(value, { ...about, what: 'token_endpoint in the metadata' }, runtime, configuredUrl),
      ),
  });
  if (documents.failure === undefined) return documents.value;
  const { failure } = documents;
  // A page with the status 200 says more than that the paths do not exist.
  if (failure.code !== 'metadata_not_found' || failure.status === 200) throw failure;
  throw new CredenceError({
    code: 'metadata_not_found',
    leg: 'discover',
    message: `No metadata was found for the issuer ${identifier(issuer)} (tried ${urls.length} well-known paths; ${failure.message.replace(/\.$/u, '')}).`,
    remedy: `Check the spelling of ${option}; if the issuer publishes no metadata, set its token endpoint as ${about.pin}.`,
    contact: 'you',
    server,
    issuer,
    status: failure.status,
    peerText: failure.peerText,
  });
}

interface MismatchContext {
  readonly about: About;
  readonly option: string;
  readonly issuerOfServer?: (() => Promise<IssuerOfServer>) | undefined;
}

/** By error, the remedy for another server with the same issuer. It contains values of that server. */
const remedies = new WeakMap<CredenceError, (option: string, server: IssuerOfServer) => string>();

/** The remedy of an `issuer_mismatch` for a server that did not request the metadata itself. Undefined for another error. */
export function mismatchRemedyFor(error: CredenceError, option: string, server: IssuerOfServer): string | undefined {
  return remedies.get(originalOf(error))?.(option, server);
}

/** Throws the error for metadata of another issuer. */
async function mismatch(
  { url, json }: MetadataDocument,
  issuer: string,
  { about, option, issuerOfServer }: MismatchContext,
): Promise<never> {
  const named = stringField(json, 'issuer');
  const tokenEndpoint = stringField(json, 'token_endpoint');
  const remedyFor = (ownOption: string, server: IssuerOfServer | undefined) =>
    remedyForIssuerOfMetadata({ issuer, named, tokenEndpoint, option: ownOption, server });
  const error = new CredenceError({
    code: 'issuer_mismatch',
    leg: 'discover',
    message: `The metadata at ${withoutQuery(url)} names another issuer than "${issuer}": ${namedUrl(named)}.`,
    remedy: remedyFor(option, await issuerOfServer?.()),
    contact: 'you',
    server: about.server,
    issuer,
  });
  remedies.set(error, remedyFor);
  throw error;
}

/** Checks the document and returns its values. `allowed` checks the URL of the token endpoint. */
function metadataFrom(
  { url, json }: MetadataDocument,
  issuer: string,
  context: MismatchContext,
  allowed: (value: string) => URL | Promise<URL>,
): IssuerMetadata | Promise<IssuerMetadata> {
  if (stringField(json, 'issuer') !== issuer) return mismatch({ url, json }, issuer, context);
  const { about } = context;
  const tokenEndpoint = stringField(json, 'token_endpoint');
  if (tokenEndpoint === undefined) {
    throw new CredenceError({
      code: 'invalid_response',
      leg: 'discover',
      message: `The metadata at ${withoutQuery(url)} names no token_endpoint.`,
      remedy: `Ask the operator of the issuer, or set its token endpoint as ${about.pin}.`,
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
    revocationEndpoint: stringField(json, 'revocation_endpoint'),
    redeemsIdJags: profiles?.includes(GRANT_PROFILE_ID_JAG),
    issuesIdJags: chaining?.includes(TOKEN_TYPE_ID_JAG),
  });
  const endpoint = allowed(tokenEndpoint);
  return endpoint instanceof Promise ? endpoint.then(withEndpoint) : withEndpoint(endpoint);
}

/**
 * Whether the metadata suggests that the issuers of the IdP and of the authorization server are configured in each other's place: the
 * one that is configured as authorization server issues ID-JAGs or exchanges tokens, and the one that is configured as IdP does not.
 */
export function lookSwapped(idp: IssuerMetadata, authorizationServer: IssuerMetadata): boolean {
  const exchanges = ({ issuesIdJags, grantTypes }: IssuerMetadata) =>
    issuesIdJags ?? grantTypes?.includes(GRANT_TOKEN_EXCHANGE);
  const redeems = ({ redeemsIdJags, grantTypes }: IssuerMetadata) =>
    redeemsIdJags ?? grantTypes?.includes(GRANT_JWT_BEARER);
  const isIdpElsewhere = exchanges(authorizationServer) === true && exchanges(idp) === false;
  return isIdpElsewhere && (redeems(authorizationServer) !== true || redeems(idp) === true);
}
