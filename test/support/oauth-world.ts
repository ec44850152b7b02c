import {
  type AuthorizationServerOptions,
  type ScriptedAuthorizationServer,
  startScriptedAuthorizationServer,
} from './oauth-world/authorization-server.ts';
import type { RegisteredClient } from './oauth-world/clients.ts';
import { type IdpOptions, type ScriptedIdp, startScriptedIdp } from './oauth-world/idp.ts';
import { OAuthRefusal } from './oauth-world/script.ts';

export type {
  AsLeg,
  AuthorizationServerOptions,
  ScriptedAuthorizationServer,
} from './oauth-world/authorization-server.ts';
export { startScriptedAuthorizationServer } from './oauth-world/authorization-server.ts';
export type { RegisteredClient } from './oauth-world/clients.ts';
export {
  type ExchangeRequest,
  type IdpLeg,
  type IdpOptions,
  type Policy,
  type ScriptedIdp,
  startScriptedIdp,
} from './oauth-world/idp.ts';
export {
  edit,
  editMembers,
  expiresIn,
  grantedScope,
  htmlPage,
  invalidClient,
  otherIssuer,
  otherResource,
  redirect,
  refusal,
  say,
  serverError,
  tooManyRequests,
} from './oauth-world/misbehaviour.ts';
export { type HonestAnswer, type Misbehaviour, OAuthRefusal } from './oauth-world/script.ts';
export type { Forgery } from './oauth-world/signing.ts';

/** The scopes of the authorization server. The MCP servers in mcp-servers/ use the same. */
const SCOPES = ['tools:read', 'tools:write'] as const;

export interface WorldOptions {
  /** The bot at the IdP. Default: `bot-at-idp` with a secret. */
  readonly idpClient?: RegisteredClient;
  /** The same bot at the authorization server. Default: `bot-at-as` with another secret. */
  readonly asClient?: RegisteredClient;
  readonly idp?: Partial<IdpOptions>;
  readonly as?: Partial<AuthorizationServerOptions>;
}

/** An IdP, and an authorization server that trusts it. Both follow the protocol until a script changes their answers. */
export interface OAuthWorld {
  readonly idp: ScriptedIdp;
  readonly as: ScriptedAuthorizationServer;
  readonly idpClient: RegisteredClient;
  readonly asClient: RegisteredClient;
  close(): Promise<void>;
}

/**
 * Starts an IdP and an authorization server for tests with faults that a real provider does not have. Without a script they
 * follow draft-ietf-oauth-identity-assertion-authz-grant. `script.once` and `script.always` replace answers.
 */
export async function startOAuthWorld(options: WorldOptions = {}): Promise<OAuthWorld> {
  const idpClient = options.idpClient ?? { clientId: 'bot-at-idp', secret: 'secret/at the+idp' };
  const asClient = options.asClient ?? { clientId: 'bot-at-as', secret: 'secret/at the+as' };
  const idp = await startScriptedIdp({
    clients: [idpClient],
    policy: ({ scopes }) => {
      const granted = SCOPES.filter((scope) => scopes === undefined || scopes.includes(scope));
      if (granted.length === 0) throw new OAuthRefusal('invalid_scope', 'the requested scopes are not granted');
      return granted;
    },
    ...options.idp,
  });
  const as = await startScriptedAuthorizationServer({
    clients: [asClient],
    trusts: [idp],
    scopes: SCOPES,
    ...options.as,
  });
  idp.trust({ issuer: as.issuer, clientIds: { [idpClient.clientId]: asClient.clientId } });
  return {
    idp,
    as,
    idpClient,
    asClient,
    async close() {
      await Promise.all([idp.close(), as.close()]);
    },
  };
}
