import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessTokenClaims, expressIdJag, idJagTokenEndpoint, withIdJagMetadata } from '@credence/authorization-server';
import { createSigningKeys } from '@credence/identity-provider';
import { idJagAuthorizationServerConfiguration, addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import type { Configuration } from 'oidc-provider';
import { Provider } from '../support/oidc-provider.ts';
import { signIn } from './authorization-sign-in.ts';
import { runAuthorizationScenarios, type ScenarioRun } from './run.ts';
import { suiteVersions } from './suite-version.ts';

const SCENARIO_MS = 60_000;
const PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';
const CLIENT_ID = 'an-mcp-client';
const RULES = {
  issuers: { 'https://idp.example': {} },
  resources: { 'https://mcp.example/mcp': { scopes: ['issues:read'] } },
};

/** The versions of the suite that have the command `authorization`. */
const suites = suiteVersions().filter(({ version }) => !version.startsWith('0.1.'));

const started: Server[] = [];

async function listen(): Promise<{ origin: string; port: number; server: Server }> {
  const server = createServer();
  started.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, port, server };
}

/** Finds a free port, and closes it again. */
async function freePort(): Promise<number> {
  const { port, server } = await listen();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type CreateListener = (issuer: string, configuration: Configuration) => RequestListener | Promise<RequestListener>;

/** An authorization server on oidc-provider that redeems ID-JAGs by `addIdJagGrant`. */
const withOidcProvider: CreateListener = (issuer, configuration) => {
  const provider = new Provider(issuer, configuration);
  addIdJagGrant(provider, RULES);
  return listenerOf(provider);
};

/** An authorization server that redeems ID-JAGs by one handler in front of its token endpoint, and one call for its metadata. */
const withExpressHandler: CreateListener = async (issuer, configuration) => {
  const keys = await createSigningKeys();
  const existing = new Provider(issuer, configuration);
  const idJag = idJagTokenEndpoint({
    ...RULES,
    issuer,
    authenticateClient: () => undefined,
    issueAccessToken: (redemption) => keys.sign(accessTokenClaims(redemption, issuer), { typ: 'at+jwt' }),
  });
  const app = express();
  app.post('/token', expressIdJag(idJag));
  app.get('/.well-known/oauth-authorization-server', async (_request, response) => {
    const metadata = await fetch(`${issuer}/.well-known/openid-configuration`);
    response.json(withIdJagMetadata((await metadata.json()) as Record<string, unknown>));
  });
  app.use(listenerOf(existing));
  return app;
};

function listenerOf(provider: Provider): RequestListener {
  provider.use(async (ctx, next) => {
    // The suite requests no scope, so the server needs a default scope (RFC 6749 section 3.3).
    if (ctx.path === '/auth') ctx.query = { scope: 'openid', ...ctx.query };
    await next();
  });
  const callback = provider.callback();
  return (request, response) => void callback(request, response);
}

const forMachines = idJagAuthorizationServerConfiguration();
/** The configuration of an authorization server where users can also sign in. */
const forUsers: Configuration = {
  ...forMachines,
  scopes: ['openid'],
  responseTypes: ['code'],
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  ttl: { AccessToken: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
  features: {
    ...forMachines.features,
    devInteractions: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
  },
};

describe.each(suites)('MCP conformance $version, an authorization server that redeems ID-JAGs', (suite) => {
  const run = async (make: CreateListener, configuration: Configuration, isSignedIn: boolean): Promise<ScenarioRun> => {
    const [{ origin, server }, port, { privateKey }] = await Promise.all([
      listen(),
      freePort(),
      generateKeyPair('ES256', { extractable: true }),
    ]);
    const callback = `http://127.0.0.1:${port}/callback`;
    const listener = await make(origin, {
      ...configuration,
      jwks: { keys: [{ ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
      clientDefaults: { id_token_signed_response_alg: 'ES256' },
      clients: isSignedIn
        ? [
            {
              client_id: CLIENT_ID,
              token_endpoint_auth_method: 'none',
              application_type: 'native',
              redirect_uris: [callback],
            },
          ]
        : [],
    });
    server.on('request', listener);
    return runAuthorizationScenarios({
      suite,
      url: origin,
      ...(isSignedIn && { client: { id: CLIENT_ID, port, signIn: (url) => signIn(url, callback) } }),
    });
  };

  afterEach(() => {
    for (const server of started.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  test.each<[string, CreateListener]>([
    ['on oidc-provider', withOidcProvider],
    ['with the handler expressIdJag', withExpressHandler],
  ])(
    '%s passes every scenario with a user who signs in',
    async (_name, make) => {
      const { exitCode, checks, output } = await run(make, forUsers, true);
      const bad = checks.filter(({ status }) => status !== 'SUCCESS');
      expect({ bad, exitCode, output: exitCode === 0 ? '' : output }).toEqual({ bad: [], exitCode: 0, output: '' });
      expect(checks).toContainEqual(expect.objectContaining({ id: 'authorization-code-grant' }));
      // The metadata that the suite checked contains the ID-JAG grant profile.
      const body: unknown = expect.objectContaining({ authorization_grant_profiles_supported: [PROFILE] });
      expect(checks).toContainEqual(
        expect.objectContaining({ id: 'authorization-server-metadata', details: expect.objectContaining({ body }) }),
      );
    },
    SCENARIO_MS,
  );

  test(
    'without sign-in for users fails only the checks for sign-in',
    async () => {
      const { checks } = await run(withOidcProvider, forMachines, false);
      const failed = checks.filter(({ status }) => status !== 'SUCCESS');
      expect(Object.fromEntries(failed.map(({ id, errorMessage }) => [id, errorMessage]))).toEqual({
        'authorization-server-metadata': [
          'Response body does not include valid "authorization_endpoint" claim',
          'Response body does not include valid "response_types_supported" claim',
        ].join(', '),
        'authorization-server-metadata-cimd':
          'Authorization server metadata does not include "client_id_metadata_document_supported"',
        'authorization-code-grant': 'authorization-code-grant requires --client-id',
      });
    },
    SCENARIO_MS,
  );
});
