import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jwt } from '../test-support/jwt.ts';
import { AUDIENCE, failureOf } from '../test-support/wrong-answers.ts';
import { kubernetes } from './kubernetes.ts';
import type { Platform } from './platform.ts';
import { tokenFile } from './token-file.ts';

const signal = new AbortController().signal;
const get = async (source: Platform) => source.getToken({ audience: AUDIENCE, signal });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credence-'));
});
afterEach(async () => rm(folder, { recursive: true }));

it.each<[string, (options: { file: string }) => Platform]>([
  ['kubernetes', kubernetes],
  ['tokenFile', tokenFile],
])('%s reads the file for each token, through symbolic links', async (platform, make) => {
  const [first, second] = [jwt({ jti: 1 }), jwt({ jti: 2 })];
  for (const [name, token] of Object.entries({ first, second })) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'token'), `\uFEFF${token}\n`);
  }
  await symlink('first', join(folder, '..data'));
  await symlink('..data/token', join(folder, 'token'));
  const source = make({ file: join(folder, 'token') });
  expect(source).toMatchObject({ platform, audience: 'fixed', renewable: true, local: true });
  expect(await source.detect({ signal })).toEqual({ here: true });
  expect(await get(source)).toBe(first);
  await rm(join(folder, '..data'));
  await symlink('second', join(folder, '..data'));
  expect(await get(source)).toBe(second);
});

it.each([
  ['', 'is empty'],
  ['\n', 'is empty'],
  ['canary', 'does not contain a JWT'],
  [jwt().slice(0, 60), 'does not contain a JWT'],
])('refuses a file with %j, and shows nothing of it', async (content, says) => {
  const file = join(folder, 'token');
  await writeFile(file, content);
  const error = await failureOf(get(tokenFile({ file })));
  expect(error).toMatchObject({ code: 'credential_unavailable', message: expect.stringContaining(says) });
  expect(error.message).toContain(file);
  expect(JSON.stringify(error)).not.toMatch(/canary|eyJ/u);
});

it.each(['missing', 'file/below-a-file', 'loop'])('a path that does not lead to a file: %s', async (name) => {
  await writeFile(join(folder, 'file'), jwt());
  await symlink('loop', join(folder, 'loop'));
  const source = tokenFile({ file: join(folder, name) });
  expect(await failureOf(get(source))).toMatchObject({ code: 'credential_unavailable' });
  if (name === 'loop') await failureOf(source.detect({ signal }));
  else expect(await source.detect({ signal })).toMatchObject({ here: false, why: expect.stringContaining(name) });
});

describe('the default service account token', () => {
  it.each([
    '/var/run/secrets/kubernetes.io/serviceaccount/token',
    '/run/secrets/kubernetes.io/serviceaccount/token',
    '/var/run/secrets/tokens/../kubernetes.io/serviceaccount/token',
  ])('is refused, because it is for the API server of the cluster: %s', async (file) => {
    const error = await failureOf(Promise.resolve().then(() => kubernetes({ file })));
    expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining('API server') });
    expect(error.remedy).toContain('serviceAccountToken');
  });

  it('is named where the projected token is missing', async () => {
    const detection = await kubernetes().detect({ signal });
    expect(detection).toMatchObject({ here: false, why: expect.stringContaining('/var/run/secrets/tokens/credence') });
    expect(detection).toMatchObject({ why: expect.stringContaining('its audience is the API server') });
  });
});

it.each<[string, () => unknown]>([
  ['file', () => tokenFile({} as { file: string })],
  ['file', () => tokenFile({ file: ' ' })],
  ['file', () => kubernetes({ file: 5 as unknown as string })],
  ['path', () => kubernetes({ path: '/x' } as object)],
])('refuses a wrong option: %s', async (option, make) => {
  const error = await failureOf(Promise.resolve().then(make));
  expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining(option) });
});
