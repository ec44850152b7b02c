import {
  actorName,
  GRANT_TOKEN_EXCHANGE,
  cleanText,
  stringField,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_JAG_MISSPELT,
} from '@credence/protocol';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkExchangeResource } from './answer-checks.ts';
import { grantedScopes, scopeCeiling } from './granted-scopes.ts';
import { type CheckedIdJag, checkIdJag } from './id-jag.ts';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';
import type { SubjectTokenRotation } from '../subjects/subject.ts';

/** The length of a subject in events. */
const MAX_SHOWN = 255;

export interface ExchangeRequest {
  readonly idp: IdpSettings;
  readonly endpoint: TokenEndpoint;
  readonly server: ServerSettings;
  readonly subjectToken: { readonly token: string; readonly type: string };
  readonly actorToken: { readonly token: string; readonly type: string } | undefined;
  /** Set if the IdP may replace the subject token with each use. */
  readonly rotation: SubjectTokenRotation | undefined;
  /** The authorization server's issuer. */
  readonly audience: string;
  readonly resource: string;
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  readonly onAttempt?: ((attempt: number) => void) | undefined;
}

/** An ID-JAG that `checkIdJag` has accepted. */
export interface IdJag {
  readonly assertion: string;
  readonly subject: string;
  readonly actor: Readonly<Record<string, unknown>> | undefined;
  /** The subject and the actor for events: cleaned, and without secrets of the request. */
  readonly shown: { readonly subject: string; readonly actor: string | undefined };
  readonly lifetimeMs: number;
  /** The granted scopes. Undefined if neither the response nor the ID-JAG contains them. */
  readonly scopes: readonly string[] | undefined;
}

/**
 * Exchanges the subject token for an ID-JAG at the IdP (RFC 8693 section 2, draft-ietf-oauth-identity-assertion-authz-grant section
 * 4.3).
 */
export async function exchange(runtime: Runtime, request: ExchangeRequest): Promise<IdJag> {
  const { idp, server, endpoint, audience, resource } = request;
  const context = { leg: 'exchange', contact: 'idp-admin', server: server.name, issuer: idp.issuer } as const;
  const answer = await requestToken(runtime, {
    ...context,
    grantType: GRANT_TOKEN_EXCHANGE,
    grant: 'token exchange',
    operation: 'token-exchange',
    option: 'idp.credential',
    endpoint,
    credential: idp.credential,
    parameters: {
      ...idp.parameters,
      requested_token_type: TOKEN_TYPE_ID_JAG,
      audience: server.audience ?? audience,
      resource,
      scope: request.scopes?.join(' '),
      subject_token: request.subjectToken.token,
      subject_token_type: request.subjectToken.type,
      actor_token: request.actorToken?.token,
      actor_token_type: request.actorToken?.type,
      authorization_details: server.authorizationDetails && JSON.stringify(server.authorizationDetails),
    },
    scopes: request.scopes,
    knownScopes: scopeCeiling(server, request.scopes),
    dpop: server.dpop?.exchange,
    signal: request.signal,
    onSuccess: async (body) => reportRotation(runtime, request, stringField(body, 'refresh_token')),
    onAttempt: request.onAttempt,
  });
  checkIssuedType(stringField(answer.body, 'issued_token_type'), idp.issuer, server.name, answer.secrets);
  const checked = checkIdJag(answer.accessToken, {
    idpIssuer: idp.issuer,
    audience,
    clientId: server.credential.clientId,
    resource,
    server: server.name,
    nowMs: answer.peerTimeMs ?? runtime.clock.wallMs(),
    thumbprint: await server.dpop?.thumbprint(),
    knownScopes: scopeCeiling(server, request.scopes),
    secrets: answer.secrets,
  });
  checkExchangeResource(answer, resource, { claimed: checked.namesResource }, context);
  if (!checked.namesResource) missingResource(runtime, server, idp.issuer);
  // The authorization server reads the claim. The response counts if the ID-JAG has no such claim.
  const stated = checked.scopes ?? answer.scopes;
  const { secrets } = answer;
  return {
    assertion: answer.accessToken,
    subject: checked.subject,
    actor: checked.actor,
    shown: shownIn(checked, answer.secrets),
    lifetimeMs: Math.min(checked.lifetimeMs, (answer.expiresInSeconds ?? Infinity) * 1000),
    scopes: stated && grantedScopes(runtime, stated, { ...context, server, requested: request.scopes, secrets }),
  };
}

function shownIn({ subject, actor }: CheckedIdJag, secrets: readonly string[]): IdJag['shown'] {
  const shown = (text: string) => cleanText(text, { max: MAX_SHOWN, secrets });
  const name = actorName(actor);
  return { subject: shown(subject), actor: name === undefined ? undefined : shown(name) };
}

/** Gives a new refresh token to the application, before the rest of the response is checked: the old one may be invalid already. */
async function reportRotation(
  runtime: Runtime,
  { idp, server, subjectToken: { token }, rotation, signal }: ExchangeRequest,
  next: string | undefined,
): Promise<void> {
  if (!rotation || !next || next === token) return;
  const outcome = await rotation.rotated(token, next, signal);
  if (outcome === 'stored') return;
  const why = outcome === 'failed' ? 'onRotated failed' : 'fromRefreshToken has no onRotated';
  runtime.emit({
    type: 'warning',
    leg: 'exchange',
    server: server.name,
    message: `The IdP ${idp.issuer} replaced the refresh token, and ${why}: the new one is only in the memory of this process.`,
    remedy:
      outcome === 'failed'
        ? 'Correct the function onRotated of fromRefreshToken; it is called again before the next exchange.'
        : 'Set fromRefreshToken(getter, { onRotated }) to a function that stores the new token; otherwise it is lost when the process ends.',
  });
}

function checkIssuedType(issued: string | undefined, issuer: string, server: string, secrets: readonly string[]): void {
  if (issued === TOKEN_TYPE_ID_JAG) return;
  const misspelt = issued === TOKEN_TYPE_ID_JAG_MISSPELT;
  throw new CredenceError({
    code: 'invalid_response',
    leg: 'exchange',
    message: `The IdP ${issuer} issued a token whose type is ${namedType(issued)}, not an ID-JAG.`,
    remedy: misspelt
      ? 'Its type has an underscore; the draft has a hyphen (id-jag). Ask for the IdP to be corrected.'
      : 'Ask whether that IdP issues ID-JAGs; the token was not sent to the authorization server.',
    contact: 'idp-admin',
    server,
    issuer,
    peerText: issued === undefined ? undefined : cleanText(`issued_token_type="${issued}"`, { secrets }),
  });
}

/** Names a token type of RFC 8693 section 3, or the misspelt one. Any other is a word that the peer chose. */
function namedType(issued: string | undefined): string {
  if (issued === undefined || issued === '') return 'missing';
  const isKnown =
    issued === TOKEN_TYPE_ID_JAG_MISSPELT ||
    /^urn:ietf:params:oauth:token-type:(?:access_token|refresh_token|id_token|jwt|saml1|saml2)$/u.test(issued);
  return isKnown ? `"${issued}"` : 'another one';
}

function missingResource(runtime: Runtime, server: ServerSettings, issuer: string): void {
  const message = `The ID-JAG for server "${server.name}" names no resource, so it is valid for every server of that authorization server.`;
  const remedy = `Ask for the resource to be registered for this server, or set servers.${server.name}.missingResource.`;
  if (server.missingResource === 'refuse') {
    throw new CredenceError({
      code: 'invalid_id_jag',
      leg: 'exchange',
      message,
      remedy,
      contact: 'idp-admin',
      server: server.name,
      issuer,
    });
  }
  if (server.missingResource === 'warn') {
    runtime.emit({ type: 'warning', code: 'missing_resource', leg: 'exchange', server: server.name, message, remedy });
  }
}
