import { parsedUrl, scopesNotIn } from '@credence/protocol';
import { type IssuerMetadata, lookSwapped } from '../discovery/authorization-server.ts';
import { CredenceError } from '../errors/credence-error.ts';
import type { Leg } from '../errors/leg.ts';
import type { ServerSettings } from '../settings/settings.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import { withoutRedeemScope } from '../tokens/failures.ts';
import type { DiagnosisStep } from './report.ts';

/** A problem that may be the cause, or that did not make the diagnosis fail. */
export interface Warning {
  readonly leg: Leg;
  readonly message: string;
  readonly remedy: string;
}

/** The metadata of both issuers, as far as they were read. */
export interface Announced {
  readonly idp?: IssuerMetadata | undefined;
  readonly authorizationServer?: IssuerMetadata | undefined;
}

/**
 * What the metadata of the issuers says about a refusal: an issuer may not announce what is asked of it, or the two issuers may be
 * swapped in the configuration. Metadata is advice: it is read only after a refusal, and blocks nothing.
 */
export function adviceFor(
  error: CredenceError,
  { server, metadata }: { server: ServerSettings; metadata: Announced },
): { error: CredenceError; warnings: readonly Warning[] } {
  const asIssuer = `servers.${server.name}.issuer`;
  if (areSwapped(metadata)) {
    return {
      error: withRemedy(
        error,
        `idp.issuer and ${asIssuer} look swapped: by its metadata, the first redeems ID-JAGs and the second issues them. Swap them, and their credentials.`,
      ),
      warnings: [],
    };
  }
  const warnings: Warning[] = [];
  const { idp: idpMetadata, authorizationServer: asMetadata } = metadata;
  if (error.leg === 'exchange' && isRefusal(error) && idpMetadata && idpMetadata.issuesIdJags !== true) {
    const other = isAuthorizationServer(idpMetadata)
      ? ' It announces that it redeems them, as an authorization server does.'
      : '';
    warnings.push({
      leg: 'exchange',
      message: `The metadata of ${idpMetadata.issuer} does not announce that it issues ID-JAGs (identity_chaining_requested_token_types_supported).${other}`,
      remedy:
        'Check idp.issuer; if it is right, ask its administrator whether it issues ID-JAGs and whether that is switched on.',
    });
  }
  if (error.leg === 'redeem' && isRefusal(error) && asMetadata && asMetadata.redeemsIdJags !== true) {
    const other = isIdp(asMetadata) ? ' It announces that it issues them, as an IdP does.' : '';
    warnings.push({
      leg: 'redeem',
      message: `The metadata of ${asMetadata.issuer} does not announce that it redeems ID-JAGs (authorization_grant_profiles_supported).${other}`,
      remedy: `Check ${asIssuer}; if it is right, ask the owner of server "${server.name}" whether its authorization server redeems ID-JAGs and whether that is switched on.`,
    });
  }
  return { error, warnings };
}

/** By what the metadata says of ID-JAGs, or else by the grant types that it names. */
function areSwapped({ idp, authorizationServer }: Announced): boolean {
  if (idp === undefined || authorizationServer === undefined) return false;
  return (isAuthorizationServer(idp) && isIdp(authorizationServer)) || lookSwapped(idp, authorizationServer);
}

/** Whether the issuer itself refused: not the network, not a response that breaks the protocol, and not the configuration. */
function isRefusal({ error, status }: CredenceError): boolean {
  return error !== undefined || (status !== undefined && status >= 400 && status < 500 && status !== 429);
}

function isAuthorizationServer(metadata: IssuerMetadata | undefined): boolean {
  return metadata?.redeemsIdJags === true && metadata.issuesIdJags !== true;
}

function isIdp(metadata: IssuerMetadata | undefined): boolean {
  return metadata?.issuesIdJags === true && metadata.redeemsIdJags !== true;
}

/** The error with a remedy for the operator of the bot in front of its own. */
function withRemedy(error: CredenceError, remedy: string): CredenceError {
  const { name: _name, ...members } = error.toJSON();
  return new CredenceError({ ...members, remedy, contact: 'you', cause: error.cause });
}

/** One warning for each peer whose clock differs from ours, with the whole difference. */
export function clockWarnings(steps: readonly DiagnosisStep[]): readonly Warning[] {
  const skewed = new Map<string, { leg: Leg; skew: number }>();
  const hosts = new Set<string>();
  for (const { leg, endpoint, clockSkewSeconds: skew } of steps) {
    const host = endpoint === undefined ? undefined : parsedUrl(endpoint)?.host;
    if (host === undefined) continue;
    hosts.add(host);
    if (skew !== undefined) skewed.set(host, { leg, skew });
  }
  const isOurs = hosts.size > 1 && skewed.size === hosts.size;
  return [...skewed].map(([host, { leg, skew }]) => ({
    leg,
    message: `The clock of ${host} is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} ours.`,
    remedy: isOurs
      ? 'Set the clock of this machine: it differs from the clock of every peer.'
      : 'Compare both clocks with a time server, and correct the one that is wrong: tokens and assertions are valid for minutes.',
  }));
}

/** The URL of the server itself answered 404 during discovery, which is a more probable cause than missing metadata. */
export function wrongPathWarnings(
  { name, url }: ServerSettings,
  steps: readonly DiagnosisStep[],
  error: CredenceError,
): readonly Warning[] {
  const own = url.origin + url.pathname;
  const isMissing = steps.some(({ leg, endpoint, status }) => leg === 'discover' && endpoint === own && status === 404);
  if (!isMissing || error.leg === 'call') return [];
  return [
    {
      leg: 'discover',
      message: `${own} itself answered 404, so no MCP server may be at this path.`,
      remedy: `Check the path in servers.${name}.url first, also ${url.pathname.endsWith('/') ? 'without' : 'with'} a slash at its end.`,
    },
  ];
}

/** The warnings for scopes that were not granted, one for each peer that did not grant them. */
export function missingScopeWarnings(server: ServerSettings, token: AccessToken): readonly Warning[] {
  const list = (scopes: readonly string[]) => scopes.map((scope) => `"${scope}"`).join(', ');
  const { missingScopes, withheldScopes, issuer } = token;
  const atIdp = scopesNotIn(missingScopes, withheldScopes);
  const byIdp: Warning = {
    leg: 'exchange',
    message: `${list(atIdp)} is configured and was not granted by the IdP.`,
    remedy: 'Ask for it to be granted at the IdP, or take it out of the configuration.',
  };
  const byServer: Warning = {
    leg: 'redeem',
    message: `${list(withheldScopes)} was requested and not granted by the authorization server ${issuer}.`,
    remedy:
      server.redeemScope === 'omit'
        ? withoutRedeemScope(server.name)
        : `Ask the owner of server "${server.name}" for it to be granted to this client at ${issuer}, or take it out of the configuration.`,
  };
  return [...(atIdp.length > 0 ? [byIdp] : []), ...(withheldScopes.length > 0 ? [byServer] : [])];
}
