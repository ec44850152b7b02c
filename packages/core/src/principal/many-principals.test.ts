import { expect, it } from '@jest/globals';
import { hosts } from '../../test-support/hosts.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { ServicePrincipal } from './service-principal.ts';

const PRINCIPALS = 300;
const SERVERS = ['one', 'two', 'three'];
const AS = 'https://as.example';

it('principals that start at the same time request metadata once, and run 20 acquisitions for each authorization server', async () => {
  let concurrent = 0;
  let most = 0;
  const table: Record<string, Readonly<Record<string, unknown>>> = {};
  for (const name of SERVERS) {
    const resource = `https://${name}.example/mcp`;
    table[`https://${name}.example/.well-known/oauth-protected-resource/mcp`] = {
      resource,
      authorization_servers: [AS],
    };
  }
  table[`${AS}/.well-known/oauth-authorization-server`] = { issuer: AS, token_endpoint: `${AS}/token` };
  const network = hosts(table);
  const fetch: typeof network.fetch = async (input, init) => {
    if ((input instanceof Request ? input.url : input.toString()) !== `${AS}/token`) return network.fetch(input, init);
    concurrent += 1;
    most = Math.max(most, concurrent);
    await new Promise((resolve) => setImmediate(resolve));
    concurrent -= 1;
    return Response.json({ access_token: `token-${Math.random()}`, token_type: 'Bearer', expires_in: 3600 });
  };
  const principals = Array.from(
    { length: PRINCIPALS },
    (_, index) =>
      new ServicePrincipal({
        fetch,
        servers: Object.fromEntries(
          SERVERS.map((name) => [
            name,
            {
              url: `https://${name}.example/mcp`,
              issuer: AS,
              flow: 'client-credentials' as const,
              credential: clientSecret({ clientId: `bot-${index}`, secret: `secret-${index}` }),
            },
          ]),
        ),
      }),
  );
  await Promise.all(principals.map(async (principal) => principal.prepare()));
  const tokens = await Promise.all(
    principals.flatMap((principal) => SERVERS.map(async (name) => principal.token(name))),
  );
  expect(new Set(tokens.map(({ value }) => value)).size).toBe(PRINCIPALS * SERVERS.length);
  expect(network.requests).toHaveLength(SERVERS.length + 1);
  expect(most).toBe(20);
  await Promise.all(principals.map(async (principal) => principal.close()));
});
