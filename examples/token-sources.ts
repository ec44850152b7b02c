/**
 * Where else the token of a workload can come from: variables of a CI system, a file, a URL, a command. Run it with
 * `npx tsx examples/token-sources.ts`. Each source returns a token that was made for this example.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { circleci, gitlab, terraformCloud, tokenCommand, tokenFile, tokenUrl } from '@credence/platforms';
import { fakeIdp } from '@credence/testing';
import { listen } from './support/listen.ts';

const world = fakeIdp({ principals: { bot: {} }, servers: { issues: {} } });
const token = await world.workloadToken({ principal: 'bot' });
const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
const path = join(folder, 'token');
await writeFile(path, token);
const agent = await listen();
agent.serve((request, response) => {
  if (request.headers['x-agent'] !== 'yes') return void response.writeHead(403).end();
  response.end(JSON.stringify({ token }));
});
const printToken = `console.log(JSON.stringify({ status: { token: process.argv[1] } }))`;

/** The variables that the CI systems set. A bot leaves this option out: the default is `process.env`. */
const env = {
  CREDENCE_ID_TOKEN: token,
  CIRCLE_OIDC_TOKEN_V2: token,
  TFC_WORKLOAD_IDENTITY_TOKEN_MCP: token,
  PATH: process.env['PATH'],
};

// #region gitlab
const inGitlab = gitlab({ env }); // id_tokens: { CREDENCE_ID_TOKEN: { aud: https://as.example } }
// #endregion
// #region circleci
const inCircleci = circleci({ env }); // the audience is the id of the organization
const withCli = circleci({ from: 'cli', env }); // `circleci run oidc get`, for any audience
// #endregion
// #region terraform-cloud
const inTerraform = terraformCloud({ tag: 'MCP', env }); // TFC_WORKLOAD_IDENTITY_AUDIENCE_MCP = https://as.example
// #endregion
// #region file
const fromFile = tokenFile({ file: path }); // another program replaces it
// #endregion
// #region url
const fromUrl = tokenUrl({ url: `${agent.origin}/token`, headers: { 'x-agent': 'yes' }, field: 'token' });
// #endregion
// #region command
const fromCommand = tokenCommand({
  command: 'node',
  args: ['-e', printToken, token],
  field: ['status', 'token'],
  env,
  pass: ['PATH'], // the command gets no other variable
});
// #endregion

const request = { audience: 'https://as.example', signal: AbortSignal.timeout(10_000) };
for (const source of [inGitlab, inCircleci, inTerraform, fromFile, fromUrl, fromCommand]) {
  assert.equal(await source.getToken(request), token);
  console.log(`${source.platform}: audience ${source.audience}, ${source.renewable ? 'renewable' : 'not renewable'}`);
}
assert.equal(withCli.audience, 'any');
await agent.close();
await rm(folder, { recursive: true });
