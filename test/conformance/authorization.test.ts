import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { idJagAuthorizationServerConfiguration, redeemIdJag } from '@credence/server';
import { afterEach, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import { listAuthorizationScenarios, runAuthorizationScenario } from './run.ts';
import { suiteVersions } from './suite-version.ts';

const SCENARIO_MS = 60_000;
const METADATA = 'authorization-server-metadata-endpoint';
/** These try grants of people: somebody has to sit in front of a browser. */
const NEEDS_A_BROWSER = ['authorization-code-grant'];

/** The versions of the suite that know the command. */
const suites = await Promise.all(
  suiteVersions()
    .filter(({ version }) => !version.startsWith('0.1.'))
    .map(async (suite) => ({ ...suite, scenarios: await listAuthorizationScenarios(suite) })),
);

interface Subject {
  readonly issuer: string;
  readonly server: Server;
}

/** An oidc-provider that redeems ID-JAGs, besides whatever else `configuration` has it do. */
async function startAuthorizationServer(configuration: Configuration): Promise<Subject> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    ...configuration,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
  });
  redeemIdJag(provider, {
    issuers: { 'https://idp.example': {} },
    resources: { 'https://mcp.example/mcp': { scopes: ['issues:read'] } },
  });
  const callback = provider.callback();
  server.on('request', (request, response) => void callback(request, response));
  return { issuer, server };
}

const machines = idJagAuthorizationServerConfiguration();
/** What most MCP servers have: people sign in at it as well. */
const people: Configuration = {
  ...machines,
  responseTypes: ['code'],
  features: { ...machines.features, clientIdMetadataDocument: { enabled: true, ack: 'draft-02' } },
};

describe.each(suites)('MCP conformance $version, an authorization server that redeems ID-JAGs', (suite) => {
  const started: Subject[] = [];

  const run = async (scenario: string, configuration: Configuration) => {
    const subject = await startAuthorizationServer(configuration);
    started.push(subject);
    return runAuthorizationScenario({ suite, scenario, url: subject.issuer });
  };

  afterEach(() => {
    for (const { server } of started.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  test('there are scenarios that apply', () => {
    expect(suite.scenarios).toEqual(expect.arrayContaining([METADATA, ...NEEDS_A_BROWSER]));
  });

  test.each(suite.scenarios.filter((scenario) => !NEEDS_A_BROWSER.includes(scenario)))(
    '%s',
    async (scenario) => {
      const { exitCode, checks, output } = await run(scenario, people);
      const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
      expect({ bad, exitCode, output: exitCode === 0 ? '' : output }).toEqual({ bad: [], exitCode: 0, output: '' });
      expect(checks.map(({ status }) => status)).toContain('SUCCESS');
    },
    SCENARIO_MS,
  );

  test(
    'one for machines only lacks what the suite wants for people, and nothing else',
    async () => {
      const { checks } = await run(METADATA, machines);
      const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
      expect(bad.map(({ errorMessage }) => errorMessage)).toEqual([
        'Response body does not include valid "response_types_supported" claim',
        'Authorization server metadata does not include "client_id_metadata_document_supported"',
      ]);
    },
    SCENARIO_MS,
  );
});
