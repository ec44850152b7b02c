import { priorAct } from '../issue/actor.ts';
import type { IdJagDecision, IdJagDenial, IdJagRequest } from '../issue/policy.ts';
import type { DenialStatus } from '../issue/status.ts';
import { missingAuthentication } from './authentication.ts';
import { pairwiseAct, pairwiseSubject } from './pairwise.ts';
import { findUser, heldAt, type PolicyState, type ServerState, type SubjectState } from './state.ts';
import { findTarget, type Target } from './target.ts';

export interface DecisionOptions {
  readonly pairwiseSecret: string | Uint8Array | undefined;
  /** Groups of the subject from `groupsOf`, in addition to those in the table. */
  readonly furtherGroups: readonly string[];
  readonly now: Date;
}

/**
 * Decides one request by the current state of the policy table. The function checks first the subject, then the target,
 * then the scopes that the subject holds there. The reason of a denial names what an administrator can change.
 */
export function decide(state: PolicyState, request: IdJagRequest, options: DecisionOptions): IdJagDecision {
  const who = findSubject(state, request, options.furtherGroups);
  if (isDenial(who)) return who;
  const actor = request.actor && findPrincipal(state, request.clientId);
  if (actor !== undefined && isDenial(actor)) return actor;
  const target = findTarget(state, request);
  if (isDenial(target)) return target;
  const { name, server } = target;
  if (server.paused) {
    return denied('server_paused', 'access_denied', `the server ${name} is paused: resume it`);
  }
  const clientId = server.clientIds.get(request.clientId);
  if (clientId === undefined) {
    return denied(
      'client_not_registered',
      'access_denied',
      `the client ${request.clientId} has no client id at ${server.issuer}: register it there and enter it for ${name}`,
    );
  }
  if (request.authorizationDetails !== undefined) {
    // RFC 9396 section 5: an unknown type must be refused, not ignored
    return denied(
      'denied_by_policy',
      'invalid_authorization_details',
      'the policy table grants no authorization_details, only scopes',
    );
  }
  const scopes = grantedScopes(state, who, target, request, options.furtherGroups);
  if (isDenial(scopes)) return scopes;
  const insufficient = authenticationDenial(server, request, options.now);
  if (insufficient !== undefined) return insufficient;

  return {
    granted: true,
    clientId,
    scopes: scopes.granted,
    audience: server.issuer,
    resource: server.resource,
    subject: issuedSubject(server, { subject: who.name, kind: request.subjectKind }, options.pairwiseSecret),
    actorSubject: actor && issuedSubject(server, { subject: actor.name, kind: 'principal' }, options.pairwiseSecret),
    priorAct: issuedAct(server, priorAct(request), options.pairwiseSecret),
    algorithm: server.algorithm,
    maxLifetimeSeconds: server.maxLifetimeSeconds,
    claims: { ...who.claims, ...authenticationClaims(request) },
    reason: scopes.reason,
  };
}

/** The client's principal, or the user. A client whose principal is disabled cannot get an ID-JAG for a user either. */
function findSubject(
  state: PolicyState,
  { subjectKind, subject, clientId }: IdJagRequest,
  furtherGroups: readonly string[],
): SubjectState | IdJagDenial {
  const principal = state.principalOfClient.get(clientId);
  if (principal?.disabled === true) return disabled('principal', principal.name);
  if (subjectKind === 'principal') return findPrincipal(state, clientId);
  if (state.principals.has(subject) || state.principalOfClient.has(subject)) {
    // an authorization server could not tell the user from the principal, because both would have the same `sub`
    return denied('principal_unknown', 'access_denied', `the user ${subject} has the name of a principal`);
  }
  const user = findUser(state, subject, furtherGroups);
  if (user === undefined) {
    return denied(
      'principal_unknown',
      'access_denied',
      `the user ${subject} is not in the table, nor are their groups`,
    );
  }
  return user.disabled ? disabled('user', user.name) : user;
}

function findPrincipal({ principalOfClient }: PolicyState, clientId: string): SubjectState | IdJagDenial {
  const reason = `the client ${clientId} belongs to no principal: add one to the table`;
  return principalOfClient.get(clientId) ?? denied('principal_unknown', 'access_denied', reason);
}

function grantedScopes(
  state: PolicyState,
  who: SubjectState,
  { name, server }: Target,
  { scopes: requested }: IdJagRequest,
  furtherGroups: readonly string[],
): { granted: string[]; reason: string | undefined } | IdJagDenial {
  const held = heldAt(state, who, name, furtherGroups);
  const all = [...held.default, ...held.onRequest];
  const withheld = who.grants.withheldAt(name);
  if (all.length === 0) {
    const withheldNote = withheld.length > 0 ? `; withheld from it: ${withheld.join(' ')}` : '';
    const reason = `${who.name} has no grant at ${name}: grant it one of ${server.scopes.join(' ')}${withheldNote}`;
    return denied('no_grant', 'access_denied', reason);
  }
  const wanted = requested ?? held.default;
  const withheldWanted = wanted.filter((scope) => withheld.includes(scope));
  const notHeld = wanted.filter((scope) => !all.includes(scope) && !withheld.includes(scope));
  const notEnabled = wanted.filter((scope) => all.includes(scope) && !server.enabled.has(scope));
  const granted = wanted.filter((scope) => all.includes(scope) && server.enabled.has(scope));
  const omitted = [
    ...(notHeld.length > 0 ? [`${who.name} has no grant for ${notHeld.join(' ')} at ${name}`] : []),
    ...(withheldWanted.length > 0 ? [`${withheldWanted.join(' ')} is withheld from ${who.name} at ${name}`] : []),
    ...(notEnabled.length > 0 ? [`${notEnabled.join(' ')} is not enabled at ${name}`] : []),
  ].join('; ');
  if (granted.length > 0) return { granted, reason: omitted === '' ? undefined : `left out: ${omitted}` };
  if (notEnabled.length > 0) return denied('scope_not_enabled', 'invalid_scope', `${omitted}: enable it`);
  const why = omitted === '' ? `${who.name} holds no scope at ${name} by default` : omitted;
  return denied('no_grant_for_scope', 'invalid_scope', `${why}; it holds: ${all.join(' ')}`);
}

function authenticationDenial(server: ServerState, request: IdJagRequest, now: Date): IdJagDenial | undefined {
  const { userAuthentication: required } = server;
  if (required === undefined || request.subjectKind !== 'user') return undefined;
  const missing = missingAuthentication(required, request.authentication, now);
  if (missing === undefined) return undefined;
  const { maxAgeSeconds, acrValues } = required;
  return {
    ...denied('authentication_insufficient', 'insufficient_user_authentication', missing),
    maxAgeSeconds,
    acrValues,
  };
}

function issuedSubject(
  { issuer, subjects }: ServerState,
  { subject, kind }: { subject: string; kind: 'principal' | 'user' },
  secret: string | Uint8Array | undefined,
): string {
  if (secret === undefined || subjects === 'public') return subject;
  return pairwiseSubject(secret, { sector: issuer, kind, subject });
}

function issuedAct(
  { issuer, subjects }: ServerState,
  act: Record<string, unknown> | undefined,
  secret: string | Uint8Array | undefined,
): Record<string, unknown> | undefined {
  if (act === undefined || secret === undefined || subjects === 'public') return act;
  return pairwiseAct(secret, issuer, act);
}

/** The claims `auth_time`, `acr` and `amr` of the draft, by which the authorization server can apply its own requirements. */
function authenticationClaims({ authentication }: IdJagRequest): Record<string, unknown> {
  if (authentication === undefined) return {};
  const { authenticatedAt, acr, amr } = authentication;
  return {
    auth_time: authenticatedAt && Math.floor(authenticatedAt.getTime() / 1000),
    acr,
    amr,
  };
}

function disabled(kind: 'principal' | 'user', name: string): IdJagDenial {
  return denied('principal_disabled', 'access_denied', `the ${kind} ${name} is disabled: enable it`);
}

function denied(status: DenialStatus, error: IdJagDenial['error'], reason: string): IdJagDenial {
  return { granted: false, status, error, reason };
}

function isDenial(value: object): value is IdJagDenial {
  return 'granted' in value && value.granted === false;
}
