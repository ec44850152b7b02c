import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jwt } from '../test-support/jwt.ts';
import { AUDIENCE, failureOf } from '../test-support/wrong-answers.ts';
import { circleci } from './circleci.ts';
import { tokenCommand, type TokenCommandOptions } from './token-command.ts';

const CANARY = 'canary-of-the-command';
const signal = new AbortController().signal;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credence-'));
});
afterAll(async () => rm(folder, { recursive: true }));

/** A command that runs this JavaScript. */
const script = (code: string, options: Partial<TokenCommandOptions> = {}) =>
  tokenCommand({ command: process.execPath, args: ['-e', code], ...options });
const get = async (source: ReturnType<typeof tokenCommand>) => source.getToken({ audience: AUDIENCE, signal });
/** Waits until the process has ended. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
      // A process that was killed and that nobody has waited for is still listed.
      if (/^State:\s+Z/mu.test(await readFile(`/proc/${pid}/status`, 'utf8'))) return;
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('the output is the token, with white space around it', async () => {
  const token = jwt();
  expect(await get(script(`console.log('\\n ${token}')`))).toBe(token);
  expect(await script('').detect({ signal })).toEqual({ here: true });
});

it('the token is a member of the JSON output', async () => {
  const token = jwt();
  const code = `console.log(JSON.stringify({ status: { token: '${token}' } }))`;
  expect(await get(script(code, { field: ['status', 'token'] }))).toBe(token);
});

it('the audience is an argument, which no shell reads, and is checked in the token', async () => {
  const code = `
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    console.log([part({}), part({ aud: process.argv[1] }), 'c2ln'].join('.'));`;
  const source = tokenCommand({ command: process.execPath, args: ['-e', code, '{audience}'] });
  expect(source).toMatchObject({ audience: 'any', renewable: true, local: false });
  const audience = `https://x.example/$(touch ${folder}/x);$HOME"'|&$&`;
  const token = await source.getToken({ audience, signal });
  expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toEqual({ aud: audience });
  const other = tokenCommand({ command: process.execPath, args: ['-e', code, 'x{audience}'] });
  expect((await failureOf(get(other))).message).toContain('not for the requested audience');
});

it('the command gets the variables that are named, and by default only those that every program needs', async () => {
  const code = (name: string) => `
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    console.log([part({}), part({ names: Object.keys(process.env), value: process.env.${name} ?? null }), 'c2ln'].join('.'));`;
  const env = { PATH: '/bin', AWS_SECRET_ACCESS_KEY: CANARY, CHOSEN: 'yes' };
  const claims = async (source: ReturnType<typeof tokenCommand>) =>
    JSON.parse(Buffer.from((await get(source)).split('.')[1] ?? '', 'base64url').toString()) as { names: string[] };
  expect((await claims(script(code('PATH'), { env }))).names.toSorted()).toEqual(['PATH']);
  expect(await claims(script(code('CHOSEN'), { env, pass: ['CHOSEN', 'MISSING'] }))).toEqual({
    names: ['CHOSEN'],
    value: 'yes',
  });
});

describe('a command that fails', () => {
  it.each([
    ['with an exit code', `console.log('${CANARY}'); console.error('${CANARY}'); process.exit(3)`, {}, 'exit code 3'],
    ['by a signal', `console.log('${CANARY}'); process.kill(process.pid, 'SIGKILL')`, {}, 'ended by SIGKILL'],
    ['without output', `console.error('${CANARY}')`, {}, 'is empty'],
    ['with an output that is no token', `console.log('${CANARY}')`, {}, 'does not contain a JWT'],
    ['with two tokens', `console.log('${jwt()} ${jwt()}')`, {}, 'does not contain a JWT'],
    ['with text in place of JSON', `console.log('${CANARY}')`, { field: 'token' }, 'JSON field "token"'],
    ['with a number', `console.log('{"token":1,"x":"${CANARY}"}')`, { field: 'token' }, 'JSON field "token"'],
    ['with bytes that are no text', `process.stdout.write(Buffer.alloc(500, 255))`, {}, 'does not contain a JWT'],
    ['with a member of the prototype', `console.log('{}')`, { field: ['constructor', 'name'] }, 'constructor.name'],
  ])('%s: the error contains nothing that it wrote', async (_how, code, options, says) => {
    const error = await failureOf(get(script(code, options)));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(says);
    expect(`${JSON.stringify(error)} ${String(error.stack)}`).not.toMatch(/canary-of|eyJ/u);
  });

  it('because it does not exist', async () => {
    const error = await failureOf(get(tokenCommand({ command: join(folder, 'missing') })));
    expect(error).toMatchObject({ causeCode: 'ENOENT', message: expect.stringContaining('does not exist') });
  });

  it('because it is not executable', async () => {
    const file = join(folder, 'not-executable');
    await writeFile(file, 'no program');
    expect(await failureOf(get(tokenCommand({ command: file })))).toMatchObject({ causeCode: 'EACCES' });
    expect(await failureOf(get(tokenCommand({ command: folder })))).toMatchObject({ causeCode: 'EACCES' });
  });

  it('because its arguments are too long', async () => {
    const source = tokenCommand({ command: process.execPath, args: ['x'.repeat(3_000_000)] });
    expect(await failureOf(get(source))).toMatchObject({ causeCode: 'E2BIG' });
  });

  it('with endless output', async () => {
    const source = tokenCommand({ command: 'yes', args: [CANARY] });
    const error = await failureOf(get(source));
    expect(error.message).toContain('more than 256 KiB');
  });
});

describe('a command that does not end', () => {
  /** Writes its process id to a file, and ignores SIGTERM. */
  const stubborn = (file: string) => `
    require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid));
    process.on('SIGTERM', () => undefined);
    setInterval(() => undefined, 1000);`;

  it('gets SIGTERM, and SIGKILL if it ignores that', async () => {
    const file = join(folder, 'pid');
    const source = script(stubborn(file), { timeoutMs: 400, killAfterMs: 50 });
    const error = await failureOf(get(source));
    expect(error.message).toContain('did not end within 400 ms');
    await ended(Number(await readFile(file, 'utf8')));
  });

  it('is ended with the processes that it started, which hold its output open', async () => {
    const file = join(folder, 'child');
    const command = join(folder, 'parent.sh');
    await writeFile(command, `#!/bin/sh\nsleep 60 &\necho $! > ${file}\nwait\n`);
    await chmod(command, 0o755);
    const error = await failureOf(get(tokenCommand({ command, timeoutMs: 200, killAfterMs: 50 })));
    expect(error.message).toContain('did not end within 200 ms');
    await ended(Number(await readFile(file, 'utf8')));
  });

  it('is ended if the caller aborts', async () => {
    const file = join(folder, 'aborted');
    const source = script(stubborn(file), { killAfterMs: 20 });
    const limited = source.getToken({ audience: AUDIENCE, signal: AbortSignal.timeout(400) });
    await expect(limited).rejects.toMatchObject({ name: 'TimeoutError' });
    await ended(Number(await readFile(file, 'utf8')));
  });

  it('has a token if only a process that it started goes on', async () => {
    const command = join(folder, 'daemon.sh');
    const token = jwt();
    await writeFile(command, `#!/bin/sh\nsleep 1 &\necho ${token}\n`);
    await chmod(command, 0o755);
    expect(await get(tokenCommand({ command }))).toBe(token);
  });
});

it.each([
  ['no command', {}, 'command'],
  ['an empty command', { command: ' ' }, 'command'],
  ['a command with NUL', { command: 'x\0y' }, 'NUL'],
  ['arguments in one text', { command: 'x', args: '-a' }, 'args'],
  ['a misspelt option', { command: 'x', argumentz: [] }, 'argumentz'],
])('refuses %s', async (_how, options, says) => {
  const make = async () => tokenCommand(options as TokenCommandOptions);
  const error = await failureOf(make());
  expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining(says) });
});

describe("circleci({ from: 'cli' })", () => {
  it('calls the CLI with the audience as JSON', async () => {
    const command = join(folder, 'circleci');
    const token = jwt({ aud: AUDIENCE });
    await writeFile(command, `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/arguments\necho ${token}\n`);
    await chmod(command, 0o755);
    const source = circleci({ from: 'cli', env: { CIRCLECI: 'true', PATH: `${folder}:/usr/bin:/bin` } });
    expect(source).toMatchObject({ platform: 'circleci', audience: 'any', renewable: true, local: false });
    expect(await source.getToken({ audience: AUDIENCE, signal })).toBe(token);
    const expected = ['run', 'oidc', 'get', '--claims', JSON.stringify({ aud: AUDIENCE }), ''];
    expect((await readFile(join(folder, 'arguments'), 'utf8')).split('\n')).toEqual(expected);
    expect(await source.detect({ signal })).toEqual({ here: true });
    expect(await circleci({ from: 'cli', env: {} }).detect({ signal })).toMatchObject({ here: false });
  });
});
