import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { clientAssertion, fromWorkloadToken, isCredenceError, noClientAuth, ServicePrincipal } from '@credence/core';
import { kubernetes, tokenFile } from '@credence/platforms';
import { fakeIdp } from '@credence/testing';

const folders: string[] = [];
const bots: ServicePrincipal[] = [];
afterEach(async () => {
  await Promise.all(bots.splice(0).map(async (bot) => bot.close()));
  await Promise.all(folders.splice(0).map(async (folder) => rm(folder, { recursive: true, force: true })));
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A token file in a temporary folder, and an authorization server that accepts the tokens that are not killed. */
async function world({ totalMs = 5_000 } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'credence-'));
  folders.push(folder);
  const file = join(folder, 'token');
  const idp = fakeIdp({
    principals: { bot: {} },
    servers: { issues: { scopes: ['read'] } },
    expire: { accessTokenSeconds: 60 },
  });
  const killed = new Set<string | null>();
  let count = 0;
  const sent: string[] = [];
  const issue = async () =>
    idp.workloadToken({ principal: 'bot', server: 'issues', claims: { jti: String((count += 1)) } });
  const answer: typeof fetch = async (input, init) => {
    const assertion = init?.body instanceof URLSearchParams ? init.body.get('assertion') : null;
    if (assertion === null) return idp.fetch(input, init);
    sent.push(assertion);
    if (killed.has(assertion)) return Response.json({ error: 'invalid_grant' }, { status: 400 });
    return idp.fetch(input, init);
  };
  const [issues] = Object.values(idp.options('bot').servers ?? {});
  const start = () => {
    const bot = new ServicePrincipal({
      servers: {
        issues: {
          url: issues?.url ?? '',
          issuer: issues?.issuer ?? '',
          flow: 'workload-identity',
          credential: noClientAuth(),
          assertion: fromWorkloadToken(kubernetes({ file })),
          scopes: ['read'],
        },
      },
      fetch: answer,
      clock: idp.clock,
      timeout: { totalMs },
    });
    bots.push(bot);
    return bot;
  };
  /** The access token of the bot expires, and the token file is due to be read again. */
  const nextAcquisition = () => idp.clock.advance(100_000);
  return { folder, file, issue, killed, sent, start, nextAcquisition };
}

type World = Awaited<ReturnType<typeof world>>;

/** How another program replaces a token. `break` leaves a state in which there is no token, and `mend` writes the new one. */
const replacements: Record<
  string,
  (world: World) => { break: () => Promise<void>; mend: (token: string) => Promise<void> }
> = {
  'is deleted and created again': ({ file }) => ({
    break: async () => rm(file, { force: true }),
    mend: async (token) => writeFile(file, token),
  }),
  'is truncated and rewritten': ({ file }) => ({
    break: async () => writeFile(file, ''),
    mend: async (token) => writeFile(file, token),
  }),
  'is truncated in the middle and rewritten': ({ file, issue }) => ({
    async break() {
      const token = await issue();
      await writeFile(file, token);
      await truncate(file, token.length / 2);
    },
    mend: async (token) => writeFile(file, token),
  }),
  'cannot be read for a while': ({ file, folder }) => ({
    // A user who may read everything, as in many containers, is not stopped by the mode: a folder stops it.
    async break() {
      await rm(file, { force: true });
      await mkdir(file);
      await chmod(file, 0o000);
    },
    async mend(token) {
      await rm(file, { recursive: true });
      await writeFile(join(folder, 'next'), token);
      await rename(join(folder, 'next'), file);
    },
  }),
  'is a symbolic link that is swapped, as in Kubernetes': ({ file, folder }) => ({
    async break() {
      await rm(file, { force: true });
      await symlink('..data/token', file);
    },
    async mend(token) {
      await mkdir(join(folder, '..2026_01'));
      await writeFile(join(folder, '..2026_01', 'token'), token);
      await symlink('..2026_01', join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    },
  }),
};

describe.each(Object.entries(replacements))('a token file that %s', (_how, replacement) => {
  it('loses no first call', async () => {
    const here = await world();
    const { break: breakFile, mend } = replacement(here);
    await breakFile();
    const bot = here.start();
    const calls = [bot.token('issues'), bot.token('issues')];
    await wait(60);
    const token = await here.issue();
    await mend(token);
    await Promise.all(calls);
    expect(here.sent).toEqual([token]);
  });

  it('loses no later call: the last token is used without a wait', async () => {
    const here = await world();
    const { break: breakFile, mend } = replacement(here);
    const [first, second] = [await here.issue(), await here.issue()];
    await writeFile(here.file, first);
    const bot = here.start();
    await bot.token('issues');
    await breakFile();
    here.nextAcquisition();
    await bot.token('issues');
    expect(here.sent).toEqual([first, first]);
    await mend(second);
    // The file is read in the background while the last token is used.
    for (let tries = 0; here.sent.at(-1) !== second && tries < 30; tries += 1) {
      here.nextAcquisition();
      await bot.token('issues');
      await wait(5);
    }
    expect(here.sent.at(-1)).toBe(second);
  });

  it('loses no call if the last token is refused meanwhile', async () => {
    const here = await world();
    const { break: breakFile, mend } = replacement(here);
    const [first, second] = [await here.issue(), await here.issue()];
    await writeFile(here.file, first);
    const bot = here.start();
    await bot.token('issues');
    await breakFile();
    here.killed.add(first);
    here.nextAcquisition();
    const call = bot.token('issues');
    await wait(60);
    await mend(second);
    await call;
    expect(here.sent).toEqual([first, first, second]);
  });
});

it('no call is lost while the file is replaced all the time, in each way', async () => {
  const here = await world();
  let current = await here.issue();
  // A replaced token is valid for one more round, as on platforms, or a slow machine could never send a token in time.
  let replaced = current;
  await writeFile(here.file, current);
  const old = here.start();
  await old.token('issues');
  const traffic = { calls: 0 };
  const rotating = (async () => {
    for (let round = 0; traffic.calls < 40; round += 1) {
      const next = await here.issue();
      if (round % 3 === 0) await writeFile(here.file, next);
      if (round % 3 === 1) {
        await rm(here.file);
        await wait(3);
        await writeFile(here.file, next);
      }
      if (round % 3 === 2) {
        await writeFile(`${here.file}.new`, next);
        await rename(`${here.file}.new`, here.file);
      }
      if (replaced !== current) here.killed.add(replaced);
      replaced = current;
      current = next;
      await wait(30);
    }
  })();
  const calling = async () => {
    while (traffic.calls < 40) {
      await here.start().token('issues');
      here.nextAcquisition();
      await old.token('issues');
      traffic.calls += 2;
    }
  };
  await Promise.all([rotating, calling(), calling()]);
  expect(here.killed.size).toBeGreaterThan(1);
});

it('a token that is refused and not replaced is sent once', async () => {
  const here = await world();
  const token = await here.issue();
  await writeFile(here.file, token);
  here.killed.add(token);
  await expect(here.start().token('issues')).rejects.toMatchObject({ code: 'invalid_grant', leg: 'redeem' });
  expect(here.sent).toEqual([token]);
});

it.each([
  ['missing', undefined, 'ENOENT'],
  ['empty', '', 'is empty'],
  ['without a JWT', 'hunter2 is no token', 'does not contain a JWT'],
])(
  'a file that stays %s until the time limit is the reason of the failure, not the time limit',
  async (_how, content, why) => {
    const here = await world({ totalMs: 80 });
    if (content !== undefined) await writeFile(here.file, content);
    const error: unknown = await here
      .start()
      .token('issues')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(isCredenceError(error) && error.message).toContain(why);
    expect(JSON.stringify(error)).not.toContain('hunter2');
  },
);

it('a principal that is closed does not wait for the file', async () => {
  const here = await world();
  const bot = here.start();
  const call = bot.token('issues');
  await wait(30);
  await bot.close();
  await expect(call).rejects.toMatchObject({ code: 'closed' });
});

describe('a token file as the subject token at the IdP', () => {
  async function atIdp() {
    const folder = await mkdtemp(join(tmpdir(), 'credence-'));
    folders.push(folder);
    const file = join(folder, 'token');
    const idp = fakeIdp({ principals: { bot: {} }, servers: { issues: { scopes: ['read'] } } });
    const killed = new Set<string>();
    const sent: string[] = [];
    /** What happens when the IdP gets its next token. */
    const onToken: (() => Promise<void>)[] = [];
    const options = idp.options('bot');
    const fetchFunction: typeof fetch = async (input, init) => {
      const token = init?.body instanceof URLSearchParams ? init.body.get('subject_token') : null;
      if (token === null) return idp.fetch(input, init);
      await onToken.shift()?.();
      sent.push(token);
      if (killed.has(token)) return Response.json({ error: 'invalid_grant' }, { status: 400 });
      return idp.fetch(input, init);
    };
    const bot = new ServicePrincipal({
      ...options,
      ...(options.idp && { idp: { ...options.idp, subject: fromWorkloadToken(tokenFile({ file })) } }),
      fetch: fetchFunction,
    });
    bots.push(bot);
    let count = 0;
    const issue = async () => idp.workloadToken({ principal: 'bot', claims: { jti: String((count += 1)) } });
    return { file, bot, idp, issue, killed, sent, onToken };
  }

  it('loses no call if it is replaced while it is sent', async () => {
    const { file, bot, issue, killed, sent, onToken } = await atIdp();
    const [first, second] = [await issue(), await issue()];
    await writeFile(file, first);
    onToken.push(async () => {
      killed.add(first);
      await rm(file);
      setTimeout(() => void writeFile(file, second), 30);
    });
    await bot.token('issues');
    expect(sent).toEqual([first, second]);
  });

  it('is sent once if it is refused and not replaced', async () => {
    const { file, bot, issue, killed, sent } = await atIdp();
    const token = await issue();
    await writeFile(file, token);
    killed.add(token);
    await expect(bot.token('issues')).rejects.toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
    expect(sent).toEqual([token]);
  });

  it('is used again after a rotation while the file cannot be read', async () => {
    const { file, bot, idp, issue, killed, sent, onToken } = await atIdp();
    const [first, second] = [await issue(), await issue()];
    await writeFile(file, first);
    onToken.push(async () => {
      killed.add(first);
      await writeFile(file, second);
    });
    await bot.token('issues');
    await rm(file);
    idp.expire();
    await bot.token('issues');
    expect(sent).toEqual([first, second, second]);
  });
});

describe('a token file as client assertion', () => {
  const request = (signal?: AbortSignal) => ({
    issuer: 'https://idp.example',
    tokenEndpoint: 'https://idp.example/token',
    body: new URLSearchParams(),
    headers: new Headers(),
    nowMs: Date.now(),
    signal,
  });

  it('is read again until the time limit', async () => {
    const here = await world();
    const credential = clientAssertion({ clientId: 'bot', assertion: tokenFile({ file: here.file }) });
    const sent = request(AbortSignal.timeout(5_000));
    const authenticated = credential.authenticate(sent);
    await wait(40);
    const token = await here.issue();
    await writeFile(here.file, token);
    await authenticated;
    expect(sent.body.get('client_assertion')).toBe(token);
  });

  it('is the reason of the failure of a call, not the time limit', async () => {
    const { file } = await world();
    const idp = fakeIdp({ principals: { bot: {} }, servers: { issues: {} } });
    const options = idp.options('bot');
    const credential = clientAssertion({ clientId: 'bot', assertion: tokenFile({ file }) });
    const bot = new ServicePrincipal({
      ...options,
      ...(options.idp && { idp: { ...options.idp, credential } }),
      timeout: { totalMs: 150 },
    });
    bots.push(bot);
    await expect(bot.token('issues')).rejects.toMatchObject({ code: 'credential_unavailable', causeCode: 'ENOENT' });
  });

  it('fails with the reason if it stays away', async () => {
    const here = await world();
    const credential = clientAssertion({ clientId: 'bot', assertion: tokenFile({ file: here.file }) });
    await expect(credential.authenticate(request(AbortSignal.timeout(50)))).rejects.toMatchObject({
      code: 'credential_unavailable',
      causeCode: 'ENOENT',
    });
  });
});
