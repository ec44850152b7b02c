import { describe, expect, it } from '@jest/globals';
import { jwt } from '../test-support/jwt.ts';
import { AUDIENCE, failureOf } from '../test-support/wrong-answers.ts';
import { circleci } from './circleci.ts';
import { gitlab } from './gitlab.ts';
import type { Environment, Platform } from './platform.ts';
import { terraformCloud } from './terraform-cloud.ts';

const signal = new AbortController().signal;
const get = async (source: Platform) => source.getToken({ audience: AUDIENCE, signal });
const token = jwt();

/** A platform, its options, a variable that it always sets, the variable of the token, and what the remedy names. */
const platforms: [string, (env: Environment) => Platform, Environment, string, string][] = [
  ['gitlab', (env) => gitlab({ env }), { GITLAB_CI: 'true' }, 'CREDENCE_ID_TOKEN', 'id_tokens: { CREDENCE_ID_TOKEN'],
  ['gitlab', (env) => gitlab({ env, variable: 'MINE' }), { GITLAB_CI: 'true' }, 'MINE', 'id_tokens: { MINE'],
  ['circleci', (env) => circleci({ env }), { CIRCLECI: 'true' }, 'CIRCLE_OIDC_TOKEN_V2', 'forked pull requests'],
  ['circleci', (env) => circleci({ env }), { CIRCLECI: 'true' }, 'CIRCLE_OIDC_TOKEN', 'forked pull requests'],
  ['circleci', (env) => circleci({ env, version: 1 }), { CIRCLECI: 'true' }, 'CIRCLE_OIDC_TOKEN', 'forked'],
  [
    'terraformCloud',
    (env) => terraformCloud({ env }),
    { TFC_RUN_ID: 'run-1' },
    'TFC_WORKLOAD_IDENTITY_TOKEN',
    'TFC_WORKLOAD_IDENTITY_AUDIENCE of',
  ],
  [
    'terraformCloud',
    (env) => terraformCloud({ env, tag: 'MCP' }),
    { TFC_RUN_ID: 'run-1', TFC_WORKLOAD_IDENTITY_TOKEN: token },
    'TFC_WORKLOAD_IDENTITY_TOKEN_MCP',
    'TFC_WORKLOAD_IDENTITY_AUDIENCE_MCP',
  ],
];

describe.each(platforms)('%s', (name, platform, marker, variable, remedy) => {
  it(`reads ${variable}, which the job can neither choose nor renew`, async () => {
    const source = platform({ ...marker, [variable]: `${token}\n` });
    expect(await get(source)).toBe(token);
    expect(source).toMatchObject({ platform: name, audience: 'fixed', renewable: false, local: true });
    expect(await source.detect({ signal })).toEqual({ here: true });
  });

  it.each([[undefined], [''], [' ']])('is half configured without a token (%j)', async (value) => {
    const source = platform({ ...marker, [variable]: value });
    const error = await failureOf(source.detect({ signal }));
    expect(error).toMatchObject({ code: 'invalid_configuration', remedy: expect.stringContaining(remedy) });
    expect(error.message).toContain(variable);
    expect(await failureOf(get(source))).toMatchObject({ code: 'credential_unavailable' });
  });

  it('is not here without its variables', async () => {
    const detection = await platform({ OTHER: 'x' }).detect({ signal });
    expect(detection).toMatchObject({ here: false, why: expect.stringContaining(variable) });
  });

  it.each(['canary', 'canary.canary.canary', `${token}.canary`])('refuses what is not a JWT (%s)', async (text) => {
    const error = await failureOf(get(platform({ ...marker, [variable]: text })));
    expect(error).toMatchObject({ code: 'credential_unavailable', message: expect.stringContaining(variable) });
    expect(JSON.stringify(error)).not.toContain('canary');
  });
});

it('the newer token of CircleCI is preferred, and the older one can be chosen', async () => {
  const [older, newer] = [jwt({ sub: 'v1' }), jwt({ sub: 'v2' })];
  const env = { CIRCLE_OIDC_TOKEN: older, CIRCLE_OIDC_TOKEN_V2: newer };
  expect(await get(circleci({ env }))).toBe(newer);
  expect(await get(circleci({ env, version: 1 }))).toBe(older);
});

it('the variables are read for each token, by default from the process', async () => {
  const env: Record<string, string> = {};
  const source = gitlab({ env });
  await failureOf(get(source));
  env['CREDENCE_ID_TOKEN'] = token;
  expect(await get(source)).toBe(token);
  expect(await gitlab({ variable: 'CREDENCE_SURELY_NOT_SET' }).detect({ signal })).toMatchObject({ here: false });
});

it.each<[string, () => unknown]>([
  ['variable', () => gitlab({ variable: 'a b' })],
  ['tag', () => terraformCloud({ tag: 'a-b' })],
  ['version', () => circleci({ version: 3 as 2 })],
  ['from', () => circleci({ from: 'shell' as 'cli' })],
  ['variabel', () => gitlab({ variabel: 'X' } as object)],
])('refuses a wrong option: %s', async (option, make) => {
  const error = await failureOf(Promise.resolve().then(make));
  expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining(option) });
});
