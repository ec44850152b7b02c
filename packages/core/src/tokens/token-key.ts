import { createHash } from 'node:crypto';
import { sortedEntries } from '@credence/protocol';
import type { IdpSettings, ServerSettings } from '../settings/settings.ts';

/**
 * The key under which a token is cached. Two requests have the same key if every value that decides the token is equal:
 * IdP, clients, subject, flow, issuer, audience, resource, sorted scopes or "default", authorization details, DPoP key. The
 * key is a hash, so that the keys of a store reveal none of these values.
 */
export function tokenKey(
  idp: IdpSettings | undefined,
  server: ServerSettings,
  scopes: readonly string[] | undefined,
  user?: UserKey,
): string {
  const parts = {
    idp: server.flow === 'enterprise-managed' && idp ? idpParts(idp, user) : undefined,
    assertion: server.assertion && [server.assertion.kind, server.assertion.type, server.assertion.identity],
    flow: server.flow,
    as: [server.issuer, server.tokenEndpoint, server.credential.clientId],
    audience: server.audience,
    // The default is left out, so that the key is the one of versions without these options.
    redeemScope: server.redeemScope === 'omit' ? 'omit' : undefined,
    resourceParameter: server.resourceParameter === 'omit' ? 'omit' : undefined,
    resource: [server.url.href, server.resource],
    scopes: scopes ?? 'default',
    authorizationDetails: server.authorizationDetails,
    dpopKey: server.dpop?.id,
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** What distinguishes the tokens of a user from those of the bot and of other users. */
export interface UserKey {
  readonly identity: string;
  /** Identifies the user's token, so that a cached access token is used only with the token for which it was issued. */
  readonly cacheId: string;
  readonly actor: 'token' | 'client';
  readonly missingActor: 'refuse' | 'warn';
}

function idpParts(idp: IdpSettings, user: UserKey | undefined): unknown {
  const { issuer, tokenEndpoint, credential, subject, parameters } = idp;
  const actor = user ? (user.actor === 'client' ? undefined : (idp.actor ?? subject)) : idp.actor;
  return {
    issuer,
    tokenEndpoint,
    client: credential.clientId,
    subject: user ? undefined : [subject.kind, subject.type, subject.identity],
    user: user && [user.identity, user.cacheId, user.missingActor],
    actor: actor && [actor.kind, actor.type, actor.identity],
    parameters: parameters && sortedEntries(parameters),
  };
}
