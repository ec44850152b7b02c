import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  accessTokenClaims,
  idJagTokenEndpoint,
  type RedeemAuditRecord,
  type RedemptionRules,
} from '@credence/authorization-server';
import { createSigningKeys } from '@credence/identity-provider';
import { type FetchLike, memoryReplayStore, type ReplayStore, type TrustedIssuer } from '@credence/protocol';
import { idJagAuthorizationServerConfiguration, addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from '../../support/oidc-provider.ts';

const GRANT_JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const GRANT_JWT_DPOP = 'urn:ietf:params:oauth:grant-type:jwt-dpop';

export const RESOURCE = 'https://mcp.example/mcp';
export const OTHER_RESOURCE = 'https://mcp.example/other';
export const SECRETS: Readonly<Record<string, string>> = {
  bot: 'a-secret-of-the-bot-that-is-long-enough',
  thief: 'a-secret-of-the-thief-that-is-long-enough',
};

/** An authorization server under test. It accepts each ID-JAG once and keeps all audit records. */
export interface Target {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly records: RedeemAuditRecord[];
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  close(): Promise<void>;
}

interface Trust {
  readonly issuers: Readonly<Record<string, TrustedIssuer>>;
  readonly fetch?: FetchLike;
  /** Default: a memory replay store. */
  readonly replay?: ReplayStore;
}

function rules(records: RedeemAuditRecord[], { replay = memoryReplayStore(), ...trust }: Trust): RedemptionRules {
  return {
    ...trust,
    resources: {
      [RESOURCE]: { scopes: ['issues:read', 'issues:write'], authorizationDetailsTypes: ['issue'] },
      [OTHER_RESOURCE]: { scopes: ['issues:read'] },
    },
    replay: { singleUse: replay },
    audit: (record) => records.push(record),
  };
}

/** Starts an oidc-provider on loopback. */
export async function providerTarget(trust: Trust): Promise<Target> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    ...idJagAuthorizationServerConfiguration(),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: Object.entries(SECRETS).map(([client_id, client_secret]) => ({
      client_id,
      client_secret,
      grant_types: [GRANT_JWT_BEARER, GRANT_JWT_DPOP],
      redirect_uris: [],
      response_types: [],
    })),
  });
  const records: RedeemAuditRecord[] = [];
  addIdJagGrant(provider, rules(records, trust));
  const callback = provider.callback();
  server.on('request', (request, response) => void callback(request, response));
  return {
    issuer,
    tokenEndpoint: `${issuer}/token`,
    records,
    fetch: (url, init) => fetch(url, init),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Creates the Web-standard handler. Requests call it directly, without a network. */
export async function handlerTarget(trust: Trust): Promise<Target> {
  const issuer = 'https://as.example';
  const tokenEndpoint = `${issuer}/token`;
  const records: RedeemAuditRecord[] = [];
  const keys = await createSigningKeys();
  const endpoint = idJagTokenEndpoint({
    ...rules(records, trust),
    issuer,
    dpop: { tokenEndpoint },
    authenticateClient: (client) =>
      'clientSecret' in client && SECRETS[client.clientId] === client.clientSecret ? client.clientId : undefined,
    issueAccessToken: (redemption) => keys.sign(accessTokenClaims(redemption, issuer), { typ: 'at+jwt' }),
  });
  return {
    issuer,
    tokenEndpoint,
    records,
    fetch: (url, init) => endpoint(new Request(url, init)),
    close: () => Promise.resolve(),
  };
}
